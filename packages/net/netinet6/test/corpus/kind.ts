/** What kind a frame is of: those of one kind teach a parser the same. */

/** A text that is the same for frames with the same headers, flags and options, and about as long. */
export function kindOf(b: Uint8Array): string {
  const type = u16(b, 12);
  const size = 32 - Math.clz32(b.length);
  if (type === 0x0806) return `arp ${b[21]} ${b[0]! & 1} ${zero(b, 28, 32) ? 'probe' : ''}`;
  if (type === 0x8100) return `vlan ${u16(b, 16)} ${size}`;
  if (type === 0x0800) return `v4 ${ipv4(b)} ${size}`;
  if (type === 0x86dd) return `v6 ${b[0]! & 1} ${upper6(b)} ${size}`;
  return `ether ${type < 1536 ? 'llc' : type} ${size}`;
}

function u16(b: Uint8Array, at: number): number {
  return ((b[at] ?? 0) << 8) | (b[at + 1] ?? 0);
}

function zero(b: Uint8Array, from: number, to: number): boolean {
  return b.subarray(from, to).every((byte) => byte === 0);
}

function ipv4(b: Uint8Array): string {
  const hdrLen = (b[14]! & 15) << 2;
  const fragment = u16(b, 20) & 0x3fff;
  const options = hdrLen > 20 ? `o${b[34]}` : '';
  const cut = fragment === 0 ? '' : fragment === 0x2000 ? 'first' : (fragment & 0x2000) !== 0 ? 'middle' : 'last';
  return `${b[0]! & 1} ${options} ${cut} ${(fragment & 0x1fff) !== 0 ? `piece of ${b[23]}` : upper(b, b[23]!, 14 + hdrLen)}`;
}

function upper6(b: Uint8Array): string {
  let next = b[20]!;
  let at = 54;
  let chain = '';
  for (let i = 0; i < 8 && (next === 0 || next === 43 || next === 60 || next === 44); i++) {
    chain += `${next} `;
    if (next === 44 && (u16(b, at + 2) & 0xfff8) !== 0) return `${chain}piece of ${b[at]}`;
    const len = next === 44 ? 8 : (b[at + 1]! + 1) << 3;
    next = b[at]!;
    at += len;
  }
  return chain + upper(b, next, at);
}

function upper(b: Uint8Array, protocol: number, at: number): string {
  if (protocol === 1 || protocol === 58) return `icmp${protocol} ${b[at]} ${b[at + 1]} ${optionTypes(b, at, protocol)}`;
  if (protocol === 2) return `igmp ${b[at]}`;
  if (protocol === 17) return `udp ${wellKnown(u16(b, at), u16(b, at + 2))}`;
  if (protocol === 6) return `tcp ${b[at + 13]} ${tcpOptions(b, at + 20, at + ((b[at + 12]! >> 4) << 2))} ${u16(b, at + 14) === 0 ? 'closed' : ''}`;
  return `protocol ${protocol}`;
}

/** The lower port, if it names a service. */
function wellKnown(sport: number, dport: number): string {
  const port = Math.min(sport, dport);
  return port < 1024 || port === 5353 || port === 5201 ? String(port) : 'any';
}

/** Of neighbour discovery. */
function optionTypes(b: Uint8Array, at: number, protocol: number): string {
  const type = b[at]!;
  if (protocol !== 58 || type < 133 || type > 137) return '';
  let types = '';
  for (let o = at + [8, 16, 24, 24, 40][type - 133]!; o + 1 < b.length && b[o + 1]! > 0; o += b[o + 1]! << 3) types += `${b[o]} `;
  return types;
}

function tcpOptions(b: Uint8Array, from: number, to: number): string {
  let types = '';
  for (let o = from; o < to && b[o] !== 0; ) {
    if (b[o] === 1) {
      o++;
      continue;
    }
    types += b[o] === 5 ? `sack${b[o + 1]} ` : `${b[o]} `;
    o += Math.max(2, b[o + 1]!);
  }
  return types;
}
