/** Faults, for people. */
import { ClosureError } from '@anykernel/lib-component';

/** A fault as a line; whatever was thrown, to look at it must not fail. */
export function faultText(fault: unknown): string {
  if (fault instanceof ClosureError) return fault.message;
  try {
    return String(fault);
  } catch {
    return 'something that cannot be told';
  }
}
