/** Run within a network namespace: asks the host behind a TAP device for its address by ARP, once and then often at once, and says what came back. */
import { execFileSync } from 'node:child_process';
import { hostNode, unrefTap } from '@anykernel/host-node';
import { VIRTIF_HALF } from '@anykernel/virtif';

const half = hostNode().half(VIRTIF_HALF);
if (half === undefined) throw new Error('this host has no packet devices');
const port = half.open('aktap0');
execFileSync('ip', ['addr', 'add', '10.9.0.1/24', 'dev', 'aktap0']);
execFileSync('ip', ['link', 'set', 'aktap0', 'up']);

const request = new Uint8Array(10 + 42);
request.set([255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 9, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 10, 9, 0, 2, 0, 0, 0, 0, 0, 0, 10, 9, 0, 1], 10);
const OFTEN = 200;
let answers = 0;
// Only the device keeps this program alive.
setTimeout(() => process.exit(1), 100_000).unref();
port.listen(() => {
  let count = 0;
  for (let len = port.read(); len > 0; len = port.read()) {
    const frame = port.in.subarray(port.inAt, port.inAt + len);
    count++;
    // An ARP reply to us.
    if (frame[10 + 12] !== 8 || frame[10 + 13] !== 6 || frame[10 + 21] !== 2) continue;
    answers++;
    if (answers === 1) {
      console.log(`10.9.0.1 is ${[...frame.subarray(10 + 28, 10 + 32)].join('.')}, ${len - 10} bytes`);
      ask(OFTEN);
    }
    if (answers === 1 + OFTEN) {
      console.log(`${OFTEN} answers more`);
      unrefTap('aktap0');
    }
  }
  return count;
});
// When the waiting Worker has taken over.
setTimeout(() => ask(1), 100);

/** Of several lengths. */
function ask(count) {
  for (let i = 0; i < count; i++) port.out.set(request, port.reserve(request.length + (i % 32)));
  const lost = port.flush();
  if (lost > 0) throw new Error(`${lost} of ${count} were not taken`);
}
