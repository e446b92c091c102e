/** IPv6 on a TAP device, with that of Linux on the other side, in a network namespace of the test's own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type Interface, createInterface } from 'node:readline';
import { mustRun, oracle, run } from '@anykernel/tools-oracle';
import type { Command } from './linuxhost.js';

const NS = `ak-inet6-${process.pid}`;
const DEVICE = 'aktap6';
const folder = mkdtempSync(`${tmpdir()}/inet6-`);
let host: ChildProcess | undefined;
let lines: Interface | undefined;
let local = '';

function must(program: string, ...args: string[]): string {
  return mustRun('ip', ['netns', 'exec', NS, program, ...args], { timeoutMs: 150_000 });
}

/** The next line of the kernel's side. */
function line(): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the kernel says nothing')), 150_000);
    lines?.once('line', (text) => {
      clearTimeout(timer);
      resolve(text);
    });
  });
}

function tell(text: Command): Promise<string> {
  const answer = line();
  host?.stdin?.write(`${text}\n`);
  return answer;
}

/** What `look` gives as soon as it passes. */
async function until<T>(look: () => Promise<T> | T, pass: (value: T) => boolean): Promise<T> {
  for (let left = 1000; ; left--) {
    const value = await look();
    if (pass(value) || left === 0) return value;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const programs = ['ip', 'ping', 'nc'];
const all = oracle(...programs);
const withRadvd = oracle(...programs, 'radvd');

if (all.missing.length === 0) {
  beforeAll(async () => {
    mustRun('ip', ['netns', 'add', NS]);
    mustRun('ip', ['-n', NS, 'link', 'set', 'lo', 'up']);
    const script = `import(${JSON.stringify(`${import.meta.dirname}/linuxhost.ts`)}).then((host) => host.main('${DEVICE}'))`;
    const loader = `${import.meta.dirname}/../../../../tools/run/typescript.mjs`;
    host = spawn('ip', ['netns', 'exec', NS, process.execPath, '--import', loader, '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    lines = createInterface({ input: host.stdout as NodeJS.ReadableStream });
    [, local] = (await line()).split(' ') as [string, string];
    // Linux looks for duplicates as well.
    await until(() => must('ip', '-6', 'addr', 'show', 'dev', DEVICE), (text) => !text.includes('tentative'));
  });
  afterAll(async () => {
    if (host?.exitCode === null) {
      const ended = new Promise((resolve) => host?.once('exit', resolve));
      host.stdin?.end();
      await ended;
    }
    run('ip', ['netns', 'delete', NS]);
    rmSync(folder, { recursive: true });
  });
}

all.test('ping -6 is answered, in fragments as well', () => {
  for (const size of ['56', '8000']) {
    expect(must('ping', '-6', '-c', '3', '-i', '0.2', '-W', '60', '-s', size, `${local}%${DEVICE}`)).toContain(' 3 received');
  }
});

withRadvd.test('radvd gives an address and a route, by which Linux answers', async () => {
  must('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding');
  writeFileSync(`${folder}/radvd.conf`, `interface ${DEVICE} { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; AdvLinkMTU 1400; prefix 2001:db8:6::/64 { }; };\n`, { mode: 0o600 });
  const radvd = spawn('ip', ['netns', 'exec', NS, 'radvd', '-n', '-m', 'stderr', '-C', `${folder}/radvd.conf`, '-p', `${folder}/radvd.pid`], { stdio: 'ignore' });
  try {
    const have = await until(() => tell('addresses'), (text) => text.includes('2001:db8:6:') && !text.split(' ').some((one) => one.includes('2001:') && (Number(one.split(',')[1]) & 1) !== 0));
    const [global] = have.split(' ').filter((one) => one.startsWith('2001:db8:6:')).map((one) => one.split(',')[0]!);
    expect(global).toBeDefined();
    expect(must('ping', '-6', '-c', '2', '-i', '0.2', '-W', '60', global!)).toContain(' 2 received');
    expect(await tell('ping 2001:db8:6::1')).toBe('3000 bytes, the same');
  } finally {
    radvd.kill();
  }
});

all.test('nc sends to the kernel, and has the same back, by TCP and by UDP', async () => {
  const data = Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, i) => i * 13 + (i >> 9)));
  writeFileSync(`${folder}/data`, data);
  must('sh', '-c', `nc -6 -N ${local}%${DEVICE} 7 < ${folder}/data > ${folder}/back`);
  expect(must('sh', '-c', `cmp ${folder}/data ${folder}/back && echo same`)).toContain('same');
  const echo = (): string => must('sh', '-c', `echo hello | nc -6 -u -w 1 ${local}%${DEVICE} 7`);
  expect(await until(echo, (text) => text !== '')).toBe('hello\n');
});

all.test('the kernel sends to nc', async () => {
  must('sh', '-c', `nc -6 -l 9007 < /dev/null > ${folder}/got 2> /dev/null &`);
  await until(() => must('ss', '-tln'), (text) => text.includes(':9007 '));
  await until(() => tell('addresses'), (text) => text.includes('2001:db8:6:'));
  if (!(await tell('addresses')).includes('2001:db8:6:')) {
    await tell('address 2001:db8:6::22');
    await until(() => tell('addresses'), (text) => text.includes('::22,0'));
  }
  expect(await tell('send 2001:db8:6::1 9007 500000')).toBe('500000 sent');
  const data = Uint8Array.from({ length: 500_000 }, (_, i) => i * 7 + (i >> 8));
  const wanted = createHash('sha256').update(data).digest('hex');
  expect(await until(() => must('sh', '-c', `sha256sum < ${folder}/got`).slice(0, 64), (sum) => sum === wanted)).toBe(wanted);
});

all.test('an address that Linux has is not used (RFC 4862 5.4)', async () => {
  must('ip', 'addr', 'add', '2001:db8:6::dad/64', 'dev', DEVICE, 'nodad');
  await tell('address 2001:db8:6::dad');
  const have = await until(() => tell('addresses'), (text) => /::dad,(\d+)/.exec(text)?.[1] !== '1');
  expect(/::dad,(\d+)/.exec(have)?.[1]).toBe('2');
});

all.test('Linux takes an address of our advertisements', async () => {
  must('sh', '-c', `echo 2 > /proc/sys/net/ipv6/conf/${DEVICE}/accept_ra`);
  await tell('address 2001:db8:77::1');
  await until(() => tell('addresses'), (text) => text.includes('2001:db8:77::1,0'));
  await tell('router');
  const have = await until(() => must('ip', '-6', 'addr', 'show', 'dev', DEVICE), (text) => /2001:db8:77:.*dynamic/.test(text) && !text.includes('tentative'));
  expect(have).toMatch(/2001:db8:77:.*dynamic/);
  expect(must('ping', '-6', '-c', '2', '-i', '0.2', '-W', '60', '2001:db8:77::1')).toContain(' 2 received');
  expect(await tell('state')).toMatch(/^well /);
});
