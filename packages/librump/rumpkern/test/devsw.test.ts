import { type Bdevsw, type Cdevsw, type DevNode, makedev, major, minor } from '@anykernel/rumpkern';
import { box, codeOf } from './help.js';

const bdev = { name: 'md' } as Bdevsw;
const cdev = { name: 'md' } as Cdevsw;

test('a device number has 12 bits of major and 20 of minor', () => {
  for (const [maj, min] of [[0, 0], [197, 3], [4095, 0xfffff], [256, 0x12345]]) {
    const dev = makedev(maj, min);
    expect([major(dev), minor(dev)]).toEqual([maj, min]);
  }
});

test('drivers get the majors that they ask for, or free ones, and give them back', () => {
  const { k } = box();
  const first = k.devsw.attach(bdev, cdev);
  const second = k.devsw.attach(bdev, undefined, 197);
  expect([first.bmajor, first.cmajor, second]).toEqual([256, 256, { bmajor: 197, cmajor: -1 }]);
  expect(k.devsw.attach(bdev, cdev)).toEqual({ bmajor: 257, cmajor: 257 });
  expect(codeOf(() => k.devsw.attach(bdev, cdev, 197))).toBe('EEXIST');
  expect(k.devsw.bdev(makedev(197, 5))).toBe(bdev);
  expect(codeOf(() => k.devsw.cdev(makedev(197, 5)))).toBe('ENXIO');
  k.devsw.detach(second);
  expect(codeOf(() => k.devsw.bdev(makedev(197, 5)))).toBe('ENXIO');
});

test('names of devices are told to whoever makes nodes, the earlier ones too', () => {
  const { k } = box();
  const seen: string[] = [];
  const listener = { made: (node: DevNode) => seen.push(`+${node.name}`), gone: (node: DevNode) => seen.push(`-${node.name}`) };
  k.devsw.announce('null', 'chr', makedev(2, 2));
  k.devsw.listen(listener);
  k.devsw.announce('md0a', 'blk', makedev(256, 0), 0o640);
  k.devsw.retract('null');
  k.devsw.retract('null');
  k.devsw.listen(undefined);
  k.devsw.retract('md0a');
  expect(seen).toEqual(['+null', '+md0a', '-null']);
});
