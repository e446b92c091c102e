import { hostNode } from '@anykernel/host-node';
import { mustRun, oracle, run } from '@anykernel/tools-oracle';
import { VIRTIF_HALF } from '@anykernel/virtif';

const folder = import.meta.dirname;

oracle('ip').test('frames go to the host behind a TAP device, and its answer comes, though nobody polls; the device keeps the program alive as long as it is to', () => {
  const ns = `ak-tap-${process.pid}`;
  mustRun('ip', ['netns', 'add', ns]);
  try {
    const { status, stdout, stderr } = run('ip', ['netns', 'exec', ns, process.execPath, `${folder}/tap-child.mjs`], { timeoutMs: 120_000 });
    expect(`${stdout}${stderr}`.trim()).toBe('10.9.0.1 is 10.9.0.1, 42 bytes\n200 answers more');
    expect(status).toBe(0);
  } finally {
    run('ip', ['netns', 'delete', ns]);
  }
});

test.each(['', 'a/b', 'with space', 'much-too-long-name'])('%j is no name of a device', (name) => {
  expect(() => hostNode().half(VIRTIF_HALF)?.open(name)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
});
