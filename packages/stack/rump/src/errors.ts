/** What goes wrong with a command line, and with its operands. */

/** The command line makes no sense. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** Something is wrong with an operand; the message names it. */
export class PlaceError extends Error {
  override name = 'PlaceError';
}
