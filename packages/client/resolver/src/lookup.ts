/** The shape of dns.lookup(): what node:net and node:dgram take to find the addresses of names. */

/** One answer. */
export interface LookupAddress {
  readonly address: string;
  /** 4 or 6. */
  readonly family: number;
}

export interface LookupOptions {
  readonly family?: number | 'IPv4' | 'IPv6' | undefined;
  readonly hints?: number | undefined;
  readonly all?: boolean | undefined;
}

type LookupCallback = (error: Error | null, address?: string | LookupAddress[], family?: number) => void;
/** As dns.lookup(): finds the addresses of a name. */
export type Lookup = (hostname: string, options: LookupOptions, callback: LookupCallback) => void;

export interface LookupError extends Error {
  readonly code: 'ENOTFOUND' | 'EAI_AGAIN';
  readonly errno: number;
  readonly syscall: 'getaddrinfo';
  readonly hostname: string;
}

const ERRNO = { ENOTFOUND: -3008, EAI_AGAIN: -3001 } as const;

/** `getaddrinfo ENOTFOUND nowhere`: there is no such name. EAI_AGAIN: nobody says. */
export function lookupError(hostname: string, code: LookupError['code'] = 'ENOTFOUND'): LookupError {
  return Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { errno: ERRNO[code], code, syscall: 'getaddrinfo', hostname } as const);
}
