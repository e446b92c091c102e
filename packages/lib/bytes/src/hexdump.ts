/**
 * Bytes for people: what a message about a bad block or a bad packet shows.
 */

/** `deadbeef`: two digits a byte, nothing between. */
export function hex(bytes: Uint8Array, start: number = 0, end: number = bytes.length): string {
  let s = '';
  for (let i = start; i < end; i++) s += digits(bytes[i]!, 2);
  return s;
}

/**
 * Lines of sixteen bytes as hexdump(1) -C prints them: offset, bytes, characters, without a newline at the end. `base` is the offset
 * which the first byte has for the reader.
 */
export function hexdump(bytes: Uint8Array, base: number = 0): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) lines.push(line(bytes, at, base));
  return lines.join('\n');
}

function line(bytes: Uint8Array, at: number, base: number): string {
  let left = digits(base + at, 8);
  let right = '';
  for (let i = 0; i < 16; i++) {
    if (i % 8 === 0) left += ' ';
    const byte = bytes[at + i];
    left += byte === undefined ? '   ' : ` ${digits(byte, 2)}`;
    if (byte !== undefined) right += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
  }
  return `${left}  |${right}|`;
}

function digits(value: number, count: number): string {
  return value.toString(16).padStart(count, '0');
}
