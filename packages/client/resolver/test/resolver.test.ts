/** Names by /etc/hosts, by a server in the kernel that a test writes itself, and by dnsmasq, to which a relay in the kernel passes questions on. */
import { Buffer } from 'node:buffer';
import { type ChildProcess, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { hostNode } from '@anykernel/host-node';
import { AF_INET, O_CREAT, O_WRONLY, SOCK_DGRAM, SOCK_STREAM, type SocketName, sockaddrIn } from '@anykernel/lib-sys';
import { netinet } from '@anykernel/netinet';
import { netinet6 } from '@anykernel/netinet6';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { rumpvfs } from '@anykernel/rumpvfs';
import { oracle } from '@anykernel/tools-oracle';
import { type Answer, AUTHORITATIVE_ANSWER, type DecodedPacket, TRUNCATED_RESPONSE, decode, encode } from 'dns-packet';
import { type LookupAddress, type LookupOptions, parseConfig, resolver } from '../src/index.js';

const LOOPBACK = 0x7f00_0001;

class World {
  readonly k: Kernel = boot(hostNode(), [rumpvfs, netinet, netinet6]);
  readonly p: Proc = this.k.newproc();

  constructor(files: Readonly<Record<string, string>> = {}) {
    const { sys } = this.p;
    try {
      sys.mkdir('/etc', 0o755);
    } catch {
      // It is there.
    }
    for (const [name, text] of Object.entries({ 'resolv.conf': 'nameserver 127.0.0.1\noptions timeout:30 attempts:2\n', ...files })) {
      const fd = sys.open(`/etc/${name}`, O_CREAT | O_WRONLY, 0o644);
      sys.write(fd, Buffer.from(text));
      sys.close(fd);
    }
  }

  /** Addresses, or the code of the error. */
  async find(name: string, options: LookupOptions = {}): Promise<string[] | string> {
    return await new Promise((resolve) =>
      resolver(this.p)(name, { ...options, all: true }, (error, found) => resolve(error === null ? (found as LookupAddress[]).map((one) => one.address) : (error as Error & { code: string }).code)),
    );
  }

  /** A server whose answer to a question is `say`'s, undefined: none. */
  serve(say: (question: Uint8Array, from: string) => Uint8Array[] | Promise<Uint8Array[]>): void {
    const { call, sys } = this.p;
    const udp = sys.socket(AF_INET, SOCK_DGRAM, 0);
    sys.bind(udp, sockaddrIn(LOOPBACK, 53));
    const datagrams = async (): Promise<void> => {
      for (;;) {
        const buf = new Uint8Array(65_535);
        const from: SocketName = { addr: undefined };
        const len = await call.recvfrom(udp, buf, 0, from);
        for (const answer of await say(buf.subarray(0, len), 'udp')) sys.sendto(udp, answer, 0, from.addr);
      }
    };
    const tcp = sys.socket(AF_INET, SOCK_STREAM, 0);
    sys.bind(tcp, sockaddrIn(LOOPBACK, 53));
    sys.listen(tcp, 5);
    const streams = async (): Promise<void> => {
      for (;;) {
        const fd = await call.accept(tcp);
        const buf = new Uint8Array(65_535);
        const len = await call.read(fd, buf);
        for (const answer of await say(buf.subarray(2, len), 'tcp')) {
          await call.write(fd, Uint8Array.of(answer.length >> 8, answer.length));
          await call.write(fd, answer);
        }
        sys.close(fd);
      }
    };
    // They end with the kernel.
    datagrams().catch(() => undefined);
    streams().catch(() => undefined);
  }
}

const worlds: World[] = [];
function world(files?: Readonly<Record<string, string>>): World {
  const made = new World(files);
  worlds.push(made);
  return made;
}
afterEach(() => {
  for (const one of worlds.splice(0)) one.k.halt();
});

/** An answer, with changes to what would be right. */
function answer(question: Uint8Array, answers: readonly Answer[], more: Readonly<Record<string, unknown>> = {}): Uint8Array {
  const q = decode(Buffer.from(question)) as DecodedPacket;
  return encode({ type: 'response', id: q.id!, flags: AUTHORITATIVE_ANSWER, questions: q.questions!, answers: [...answers], ...more } as never);
}

function asked(question: Uint8Array): { type: string; name: string } {
  return (decode(Buffer.from(question)) as DecodedPacket).questions![0] as { type: string; name: string };
}

const A = (name: string, data: string): Answer => ({ type: 'A', name, ttl: 60, data }) as Answer;

describe('files', () => {
  const hosts = '10.0.0.1 one One.example # the first\nbad line\n10.0.0.2 both\nfd00::2 both\n';
  test.each<[string, LookupOptions, string[] | string]>([
    ['one', {}, ['10.0.0.1']],
    ['ONE.EXAMPLE', {}, ['10.0.0.1']],
    ['both', { family: 4 }, ['10.0.0.2']],
    ['both', { family: 6 }, ['fd00::2']],
    // There is a way to neither; then the file's order counts.
    ['both', {}, ['10.0.0.2', 'fd00::2']],
    ['one', { family: 6 }, 'ENOTFOUND'],
    ['one', { family: 6, hints: 8 }, ['::ffff:10.0.0.1']],
    ['localhost', {}, ['::1', '127.0.0.1']],
    ['a.localhost', { family: 'IPv4' }, ['127.0.0.1']],
    ['10.1.2.3', {}, ['10.1.2.3']],
    ['nowhere', {}, 'ENOTFOUND'],
  ])('%s, %j', async (name, options, found) => {
    expect(await world({ hosts, 'resolv.conf': '' }).find(name, options)).toEqual(found);
  });
  test('resolv.conf(5): what is not understood is left out, and numbers have bounds', () => {
    const text = '# one\nnameserver 10.0.0.1 ; two\nnameserver nonsense\nnameserver fd00::1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\ndomain a.b\nsearch X.y. z\noptions ndots:99 timeout:0 attempts:3 rotate\n\0';
    expect(parseConfig(text)).toEqual({ servers: ['10.0.0.1', 'fd00::1', '10.0.0.2'], search: ['x.y', 'z'], ndots: 15, timeoutMs: 5000, attempts: 3 });
  });
});

describe('a server', () => {
  test('both kinds of addresses are asked for, or the one that is wanted; a name stands for another (RFC 1034 3.6.2)', async () => {
    const w = world();
    const questions: string[] = [];
    w.serve((q) => {
      const { type, name } = asked(q);
      questions.push(`${type} ${name}`);
      const alias = { type: 'CNAME', name, ttl: 60, data: 'real.example' } as Answer;
      return [answer(q, [alias, type === 'A' ? A('Real.Example', '127.0.0.5') : ({ type: 'AAAA', name: 'real.example', ttl: 60, data: '::1' } as Answer), A('other.example', '127.9.9.9')])];
    });
    expect([await w.find('www.example'), questions.sort()]).toEqual([['::1', '127.0.0.5'], ['A www.example', 'AAAA www.example']]);
    questions.length = 0;
    expect([await w.find('www.example', { family: 4 }), questions]).toEqual([['127.0.0.5'], ['A www.example']]);
  });
  test('what is not the answer does not count: another number, another name, garbage (RFC 5452)', async () => {
    const w = world();
    w.serve((q) => {
      const right = answer(q, [A('www.example', '127.0.0.1')]);
      const forged = answer(q, [A('www.example', '127.6.6.6')]);
      forged[0]! ^= 1;
      const other = answer(q, [A('www.example', '127.7.7.7')], { questions: [{ type: 'A', name: 'evil.example' }] });
      // A name that points to itself.
      const circle = Uint8Array.from(right.subarray(0, 16));
      circle.set([0xc0, 12], 12);
      return [forged, other, Uint8Array.of(1, 2, 3), circle, right];
    });
    expect(await w.find('www.example', { family: 4 })).toEqual(['127.0.0.1']);
  });
  test('an answer that was cut is asked for again by TCP', async () => {
    const w = world();
    const by: string[] = [];
    w.serve((q, how) => {
      by.push(how);
      return [how === 'udp' ? answer(q, [], { flags: TRUNCATED_RESPONSE }) : answer(q, Array.from({ length: 200 }, (_, i) => A('many.example', `127.0.1.${i}`)))];
    });
    expect([(await w.find('many.example', { family: 4 })).length, by]).toEqual([200, ['udp', 'tcp']]);
  });
  test('no such name is ENOTFOUND; a server that fails, or says nothing, is EAI_AGAIN, after the next one was asked', async () => {
    const w = world({ 'resolv.conf': 'nameserver 10.9.9.9\nnameserver 127.0.0.1\noptions timeout:1 attempts:1\n' });
    let count = 0;
    w.serve((q) => {
      const { name } = asked(q);
      count++;
      return name === 'silent.example' ? [] : [answer(q, [], { flags: name === 'no.example' ? 3 : name === 'fails.example' ? 2 : 0 })];
    });
    const codes: unknown[] = [];
    for (const name of ['no.example', 'empty.example', 'fails.example', 'silent.example', 'a..b', 'x'.repeat(300)]) codes.push(await w.find(name, { family: 4 }));
    expect([codes, count]).toEqual([['ENOTFOUND', 'ENOTFOUND', 'EAI_AGAIN', 'EAI_AGAIN', 'ENOTFOUND', 'ENOTFOUND'], 4]);
  });
  test.each([
    ['short', ['short.a.example', 'short.b.example', 'short']],
    ['two.dots', ['two.dots', 'two.dots.a.example', 'two.dots.b.example']],
    ['whole.', ['whole']],
  ])('%s is looked for in domains, as its dots say (resolv.conf(5))', async (name, expected) => {
    const w = world({ 'resolv.conf': 'nameserver 127.0.0.1\nsearch a.example b.example\noptions timeout:30\n' });
    const names: string[] = [];
    w.serve((q) => {
      names.push(asked(q).name);
      return [answer(q, [], { flags: 3 })];
    });
    expect([await w.find(name, { family: 4 }), names]).toEqual(['ENOTFOUND', expected]);
  });
});

oracle('dnsmasq').test('dnsmasq answers what we ask, and we understand it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'resolver-'));
  const probe = dgram.createSocket('udp4');
  const port = await new Promise<number>((resolve) => probe.bind(0, '127.0.0.1', () => resolve(probe.address().port)));
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  writeFileSync(join(dir, 'hosts'), '127.0.0.7 seven.test\nfd00::7 seven.test\n');
  const words = ['-k', '-C', '/dev/null', '-p', String(port), '-a', '127.0.0.1', '-z', '-R', '-h', '-H', join(dir, 'hosts'), '--cname=alias.test,seven.test', '--local=/test/', '-u', 'root', '-x', join(dir, 'pid')];
  let child: ChildProcess | undefined;
  const relay = dgram.createSocket('udp4');
  try {
    child = spawn('dnsmasq', words, { stdio: 'ignore' });
    const w = world();
    // The question goes to the machine's loopback, and again until dnsmasq listens.
    w.serve(
      (question) =>
        new Promise((resolve) => {
          const send = (): void => relay.send(question, port, '127.0.0.1');
          const timer = setInterval(send, 50);
          const got = (message: Buffer): void => {
            if (message[0] !== question[0] || message[1] !== question[1]) return;
            clearInterval(timer);
            relay.off('message', got);
            resolve([message]);
          };
          relay.on('message', got).on('error', () => undefined);
          send();
        }),
    );
    const answers: unknown[] = [];
    answers.push(await w.find('seven.test', { family: 4 }), await w.find('alias.test', { family: 6 }), await w.find('Alias.Test', { family: 4 }), await w.find('nobody.test', { family: 4 }));
    expect(answers).toEqual([['127.0.0.7'], ['fd00::7'], ['127.0.0.7'], 'ENOTFOUND']);
  } finally {
    child?.kill();
    relay.close();
    rmSync(dir, { recursive: true, force: true });
  }
}, 60_000);
