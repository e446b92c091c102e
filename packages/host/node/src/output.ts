/** The console's output: text to a stream. */

/** What takes the console's text: a stream, or anything with its write(). */
export interface ConsoleOutput {
  write(chunk: string | Uint8Array): unknown;
}

/** The kernel's text is bytes, one to a character, and goes out as those; text that has larger characters goes out as text. */
export function put(output: ConsoleOutput, text: string): void {
  output.write(isAscii(text) || !isBytes(text) ? text : Buffer.from(text, 'latin1'));
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: every byte counts.
const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text);
// biome-ignore lint/suspicious/noControlCharactersInRegex: every byte counts.
const isBytes = (text: string): boolean => /^[\x00-\xff]*$/.test(text);
