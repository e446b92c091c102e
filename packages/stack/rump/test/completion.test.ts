/** Completion scripts, in the shells that are here. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { folder, freshImage, ran, rump } from './kit.js';

const path = folder();

async function ways(line: string): Promise<string[]> {
  return (await ran('__complete', line))
    .split('\n')
    .filter((word) => word !== '')
    .sort();
}

describe('ways to go on', () => {
  test('are commands, options, paths here and in images', async () => {
    const image = await freshImage(path);
    await ran('shell', image, '-c', 'mkdir -p etc/ssh', '-c', 'touch etc/shadow');
    fs.mkdirSync(path('folder'), { recursive: true });
    expect(await ways('rump c')).toEqual(['cat', 'chmod', 'chown', 'completion', 'compose', 'cp']);
    expect(await ways('rump ls --r')).toEqual(['--recursive']);
    expect(await ways('rump completion ')).toEqual(['bash', 'fish', 'zsh']);
    expect(await ways('rump help mkd')).toEqual(['mkdir']);
    expect(await ways(`rump ls ${path('fold')}`)).toEqual([path('folder/')]);
    expect(await ways(`rump ls ${image}:`)).toEqual([`${image}:/etc/`, `${image}:/lost+found/`]);
    expect(await ways(`rump cp ${image}:/etc/s`)).toEqual([`${image}:/etc/shadow`, `${image}:/etc/ssh/`]);
  });

  test('are none where something is wrong, and that is no error', async () => {
    fs.writeFileSync(path('text.img'), 'text');
    for (const line of ['', 'rump nothing x', `rump ls ${path('text.img:/')}`, `rump ls ${path('none.img:/')}`, 'rump ls /none/']) {
      const { status, err } = await rump(['__complete', line]);
      expect([line, status, err]).toEqual([line, 0, '']);
    }
  });
});

/** A `rump` that answers from a file, so that the script is what is tried. */
function fakeRump(answers: readonly string[]): string {
  fs.mkdirSync(path('bin'), { recursive: true });
  fs.writeFileSync(
    path('bin/rump'),
    `#!/bin/sh\nprintf '%s\\n' "$2" > '${path('asked')}'\n${answers.map((a) => `echo '${a}'`).join('\n')}\n`,
    { mode: 0o755 },
  );
  return `${path('bin')}:${process.env['PATH']}`;
}

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0;

describe('the script for bash', () => {
  test('completes words, also behind a colon', async () => {
    fs.writeFileSync(path('rump.bash'), await ran('completion', 'bash'));
    const PATH = fakeRump(['disk.img:/etc/shadow', 'disk.img:/etc/ssh/']);
    const line = 'rump ls disk.img:/etc/s';
    const code = `source ${path('rump.bash')}; COMP_LINE='${line}'; COMP_POINT=${line.length}; COMP_WORDS=(rump ls disk.img : /etc/s); COMP_CWORD=4; _rump; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const done = spawnSync('bash', ['-c', code], { encoding: 'utf8', env: { ...process.env, PATH } });
    expect([done.stdout, done.stderr]).toEqual(['/etc/shadow\n/etc/ssh/\n', '']);
    expect(fs.readFileSync(path('asked'), 'utf8')).toBe(`${line}\n`);
    expect(spawnSync('bash', ['-c', `source ${path('rump.bash')}; complete -p rump`], { encoding: 'utf8' }).stdout).toContain('-F _rump');
  });
});

describe.each(['zsh', 'fish'])('the script for %s', (shell) => {
  (has(shell) ? test : test.skip)(`is understood by it${has(shell) ? '' : ` [there is no ${shell} here]`}`, async () => {
    fs.writeFileSync(path(`rump.${shell}`), await ran('completion', shell));
    const check = shell === 'zsh' ? ['-n', path('rump.zsh')] : ['--no-execute', path('rump.fish')];
    const done = spawnSync(shell, check, { encoding: 'utf8' });
    expect([done.status, done.stderr]).toEqual([0, '']);
  });
});
