import { FDOFF, SettingError, parseMount, parseRedirection } from '@anykernel/rumphijack';

test('an unset RUMPHIJACK redirects /rump, and an empty one nothing', () => {
  expect(parseRedirection(undefined)).toEqual({ path: '/rump', blanket: [], fdoff: FDOFF });
  expect(parseRedirection('')).toEqual({ path: undefined, blanket: [], fdoff: FDOFF });
});

test('path, blanket and fdoff are read', () => {
  expect(parseRedirection('path=//,blanket=/data:/etc,fdoff=128')).toEqual({ path: '//', blanket: ['/data', '/etc'], fdoff: 128 });
});

test.each([
  'path=rump',
  'path=/',
  'path=/rump/',
  'path',
  'blanket=',
  'blanket=/data:',
  'blanket=/data/',
  'fdoff=2',
  'fdoff=1073741823',
  'fdoff=x',
  'fdoff=',
  'socket=all',
  'sysctl=yes',
  'nonsense',
  'path=/a,,',
])('%s is refused', (text) => {
  expect(() => parseRedirection(text)).toThrow(SettingError);
});

test('a mount is an image, a directory and options', () => {
  expect(parseMount('/a/disk.img:/data')).toEqual({ type: 'auto', source: '/a/disk.img', on: '/data', options: [] });
  expect(parseMount('/a/b:c.img:/data/:ro,noatime')).toEqual({
    type: 'auto',
    source: '/a/b:c.img',
    on: '/data',
    options: ['ro', 'noatime'],
  });
  expect(parseMount('/x:/:type=ext2fs,ro')).toEqual({ type: 'ext2fs', source: '/x', on: '/', options: ['ro'] });
  expect(parseMount('tmpfs:/scratch:size=64m')).toEqual({ type: 'tmpfs', on: '/scratch', options: ['size=64m'] });
});

test.each(['', 'disk.img', 'disk.img:data', ':/data', 'disk.img:/data:ro:rw'])('the mount %j is refused', (text) => {
  expect(() => parseMount(text)).toThrow(SettingError);
});
