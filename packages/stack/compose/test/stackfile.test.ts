/** Stack files: good ones, and such as come from somebody who means harm, or is tired. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { StackFileError, parseStack, readStackFile, resolveComponent } from '@anykernel/stack-compose';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'anykernel-stack-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(text: string): string {
  const file = join(folder, 'stack.json');
  writeFileSync(file, text);
  return file;
}

describe('a stack file', () => {
  test('is read, with what it leaves out', () => {
    const mounts = [{ type: 'ext2fs', source: 'disk.img', on: '/', options: ['ro'] }];
    expect(readStackFile(written(JSON.stringify({ components: ['tmpfs'], mounts, app: './app.mjs' })))).toEqual({
      components: ['tmpfs'],
      host: 'node',
      mounts,
      setup: [],
      app: './app.mjs',
    });
    expect(parseStack({ mounts: [{ type: 'tmpfs', on: '/' }] }).mounts).toEqual([{ type: 'tmpfs', on: '/', options: [] }]);
  });

  test.each([
    ['[]', /stack: is an object/],
    ['null', /stack: is an object/],
    ['{}', /nothing is asked for/],
    ['{"components": "ext2fs"}', /components: is a list/],
    ['{"components": [1]}', /components\[0\]: is a text/],
    ['{"components": [""]}', /components\[0\]: is a text/],
    ['{"component": ["ext2fs"]}', /no field "component" \(there are components, host, mounts, setup, app\)/],
    ['{"__proto__": {"components": ["x"]}}', /no field "__proto__"/],
    ['{"constructor": 1}', /no field "constructor"/],
    ['{"components": ["ext2fs"], "host": "toaster"}', /host: is "node" or "worker"/],
    ['{"mounts": [{"type": "ext2fs"}]}', /mounts\[0\]\.on: is a text/],
    ['{"mounts": [{"type": "ext2fs", "on": "mnt"}]}', /mounts\[0\]\.on: is an absolute path/],
    ['{"mounts": [{"type": "ext2fs", "on": "/", "options": "ro"}]}', /mounts\[0\]\.options: is a list/],
    ['{"mounts": [5]}', /mounts\[0\]: is an object/],
    ['{"components": ["ext2fs"], "app": {}}', /app: is a text/],
    ['{"components": [', /JSON/],
    ['', /JSON/],
  ])('%s is refused in one line that names the place', (text, reason) => {
    const file = written(text);
    const read = (): unknown => readStackFile(file);
    expect(read).toThrow(StackFileError);
    expect(read).toThrow(reason);
    expect(read).toThrow(/^[^\n]*stack\.json: [^\n]*$/);
  });

  test('that is large is refused', () => {
    expect(() => readStackFile(written(`{"components": ["${'x'.repeat(2 << 20)}"]}`))).toThrow(/larger than/);
  });

  test('that is not there is an error of the file system', () => {
    expect(() => readStackFile(join(folder, 'nothing.json'))).toThrow(/ENOENT.*nothing\.json/);
  });
});

describe('a name in a stack', () => {
  test('that is no installed package is said', async () => {
    await expect(resolveComponent('no_such_fs', folder)).rejects.toThrow(
      /no_such_fs: package @anykernel\/no_such_fs is not installed \(looked from/,
    );
    await expect(resolveComponent('./absent.mjs', folder)).rejects.toThrow(/there is no such module/);
    await expect(resolveComponent('../../../../etc/passwd', folder)).rejects.toThrow(/cannot be loaded|no such module|no component/);
  });

  test('of a module without a component, or with several, is said', async () => {
    writeFileSync(join(folder, 'none.mjs'), 'export const x = 1;\n');
    await expect(resolveComponent('./none.mjs', folder)).rejects.toThrow(/exports no component/);
    const made = (name: string): string =>
      `export const ${name} = { name: '${name}', abi: 1, class: 'misc', requires: [], provides: [], attach() {} };\n`;
    writeFileSync(join(folder, 'two.mjs'), made('one') + made('two'));
    await expect(resolveComponent('./two.mjs', folder)).rejects.toThrow(/several components \(one, two\)/);
    writeFileSync(join(folder, 'broken.mjs'), 'export const = ;\n');
    await expect(resolveComponent('./broken.mjs', folder)).rejects.toThrow(/cannot be loaded/);
  });

  test('may be the path of a module of one’s own', async () => {
    writeFileSync(
      join(folder, 'own.mjs'),
      `export const own = { name: 'own', abi: 1, class: 'misc', requires: [], provides: [], attach() {} };\n`,
    );
    const found = await resolveComponent('./own.mjs', folder);
    expect([found.exportName, found.component.name]).toEqual(['own', 'own']);
  });
});
