/** Errors with Node's codes. */
export interface CodedError extends Error {
  code: string;
}

/** An error with one of Node's codes: `TypeError [ERR_INVALID_ARG_TYPE]: ...` in its stack. */
export function coded(code: string, message: string, Class: new (message: string) => Error = TypeError): CodedError {
  const error = new Class(message);
  error.stack = error.stack?.replace(`${error.name}:`, `${error.name} [${code}]:`) ?? '';
  const shown = (): string => `${error.name} [${code}]: ${error.message}`;
  Object.defineProperty(error, 'toString', { value: shown, writable: true, configurable: true });
  return Object.assign(error, { code });
}
