/** What may be asked for when kernels and processes begin and end. */
import type { CredInit } from './cred.js';
import type { Sigmodel } from './signal.js';

export interface KernelOptions {
  /** Bytes; otherwise the host's RUMP_MEMLIMIT; otherwise unlimited. */
  readonly memLimitBytes?: number;
  readonly hostname?: string;
  /** Console messages during boot. */
  readonly verbose?: boolean;
  /** What becomes of signals; 'record'. */
  readonly sigmodel?: Sigmodel;
}

export interface HaltOptions {
  /** Nothing is written. */
  readonly nosync?: boolean;
}

export interface NewProc extends CredInit {
  /** The command's name, for messages. */
  readonly comm?: string;
  /** The first descriptor, 0 otherwise: those who use the host's descriptors too tell them apart by their numbers. */
  readonly fdBase?: number;
}
