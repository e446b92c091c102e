import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW, type Pcapng, emitPcapng, parsePcapng } from '@anykernel/lib-wire';
import { mustRun, oracle, withFolder } from '@anykernel/tools-oracle';

const frame = Uint8Array.of(255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2);
const sample: Pcapng = {
  interfaces: [
    { linktype: LINKTYPE_ETHERNET, name: 'shmif0' },
    { linktype: LINKTYPE_RAW, name: 'lo0' },
  ],
  packets: [
    { iface: 0, timeUs: 1_795_629_600_123_456, data: frame, len: frame.length, direction: 'out' },
    { iface: 1, timeUs: 1, data: Uint8Array.of(0x45, 0, 0), len: 84, direction: 'in' },
    { iface: 0, timeUs: 0, data: new Uint8Array(0), len: 0, direction: undefined },
  ],
};

test('a capture gives back what it was made of', () => {
  expect(parsePcapng(emitPcapng(sample))).toEqual(sample);
});

test('a capture that is cut within a block is none', () => {
  const bytes = emitPcapng(sample);
  let whole = 0;
  for (let len = 0; len < bytes.length; len++) {
    const got = parsePcapng(bytes.subarray(0, len));
    if (got !== undefined) whole++;
  }
  // It may end between two of its six blocks.
  expect(whole).toBe(5);
});

oracle('tcpdump').test('tcpdump reads it', () => {
  withFolder((folder) => {
    const file = join(folder, 'a.pcapng');
    writeFileSync(file, emitPcapng({ interfaces: sample.interfaces.slice(0, 1), packets: sample.packets.slice(0, 1) }));
    expect(mustRun('tcpdump', ['-n', '-e', '-tt', '-r', file]).trim()).toBe(
      '1795629600.123456 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 10.0.0.2 tell 10.0.0.1, length 28',
    );
  });
});
