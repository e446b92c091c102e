/** Network namespaces of a test's own, and a kernel that lives in the first of them on TAP devices. They are gone after close(). */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Interface, createInterface } from 'node:readline';
import { type Result, mustRun, run } from '@anykernel/tools-oracle';
import type { Command, Config, Counters, FetchAnswer, ToolAnswer } from './linuxhost.js';

/** What a CGI of the web server sends: so many bytes of the stream that linuxhost.ts has, too. */
const STREAM = `#!/bin/sh
printf 'Content-Type: application/octet-stream\\r\\n\\r\\n'
head -c "$QUERY_STRING" /dev/zero | openssl enc -aes-128-ctr -K 00000000000000000000000000000000 -iv 00000000000000000000000000000000
`;

const TIMEOUT_MS = 290_000;

export class LinuxNet {
  /** A folder that goes with it. */
  readonly folder = mkdtempSync(join(tmpdir(), 'linuxnet-'));
  readonly #spaces: string[] = [];
  readonly #children: ChildProcess[] = [];
  #host: ChildProcess | undefined;
  #lines: Interface | undefined;
  readonly #name: string;

  /** `name` tells it from others at the same time. */
  constructor(name: string) {
    this.#name = `ak-${name}-${process.pid}`;
  }

  /** The name of a namespace, which is made if it is not there yet. */
  space(index = 0): string {
    for (let i = this.#spaces.length; i <= index; i++) {
      const name = i === 0 ? this.#name : `${this.#name}-${i}`;
      mustRun('ip', ['netns', 'add', name]);
      this.#spaces.push(name);
      mustRun('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    }
    return this.#spaces[index] as string;
  }

  /** Boots the kernel. Of `config`, `{1}` is the name of namespace 1. */
  async boot(config: Config): Promise<void> {
    const named = { ...config, linux: config.linux.map((line) => line.replace(/\{(\d)\}/g, (_, n: string) => this.space(Number(n)))) };
    const script = `import(${JSON.stringify(`${import.meta.dirname}/linuxhost.ts`)}).then((host) => host.main(${JSON.stringify(named)}))`;
    const loader = `${import.meta.dirname}/../../../../tools/run/typescript.mjs`;
    this.#host = spawn('ip', ['netns', 'exec', this.space(), process.execPath, '--import', loader, '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#host.stdout as NodeJS.ReadableStream });
    const said = await this.#line();
    if (said !== 'ready') throw new Error(`the kernel says ${said}`);
  }

  async close(): Promise<void> {
    if (this.#host?.exitCode === null) {
      const ended = new Promise((resolve) => this.#host?.once('exit', resolve));
      this.#host.stdin?.end();
      await ended;
    }
    for (const child of this.#children) child.kill('SIGKILL');
    for (const name of this.#spaces) run('ip', ['netns', 'delete', name]);
    rmSync(this.folder, { recursive: true });
  }

  // -- Linux

  /** Runs a program on the Linux side. */
  linux(program: string, ...args: string[]): Result {
    return run('ip', ['netns', 'exec', this.space(), program, ...args], { timeoutMs: TIMEOUT_MS });
  }

  must(program: string, ...args: string[]): string {
    return this.mustIn(0, program, ...args);
  }

  mustIn(index: number, program: string, ...args: string[]): string {
    return mustRun('ip', ['netns', 'exec', this.space(index), program, ...args], { timeoutMs: TIMEOUT_MS });
  }

  /** Starts a program there, which ends with this, and with this process, whatever ends it. */
  start(index: number, program: string, ...args: string[]): ChildProcess {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'ip', 'netns', 'exec', this.space(index), program, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#children.push(child);
    return child;
  }

  /** A web server of Linux: `/cgi-bin/stream?N` are N bytes. */
  async web(index: number, port: number): Promise<void> {
    const home = join(this.folder, 'www');
    mkdirSync(join(home, 'cgi-bin'), { recursive: true });
    writeFileSync(join(home, 'cgi-bin', 'stream'), STREAM, { mode: 0o755 });
    this.start(index, 'busybox', 'httpd', '-f', '-p', `[::]:${port}`, '-h', home);
    await this.until(() => this.mustIn(index, 'ss', '-tln'), (text) => text.includes(`:${port} `));
  }

  /** What `look` gives as soon as it passes, or in the end. */
  async until<T>(look: () => Promise<T> | T, pass: (value: T) => boolean): Promise<T> {
    for (let left = 1000; ; left--) {
      const value = await look();
      if (pass(value) || left === 0) return value;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  // -- the kernel

  /** Runs a tool on the kernel. */
  tool(line: string): Promise<ToolAnswer> {
    return this.#tell<ToolAnswer>({ do: 'tool', line });
  }

  counters(): Promise<Counters> {
    return this.#tell<Counters>({ do: 'counters' });
  }

  fetch(host: string, port: number, path: string): Promise<FetchAnswer> {
    return this.#tell<FetchAnswer>({ do: 'fetch', host, port, path });
  }

  send(host: string, port: number, len: number): Promise<FetchAnswer> {
    return this.#tell<FetchAnswer>({ do: 'send', host, port, len });
  }

  /** The number at the start of the line of `netstat -s` that has `words`. */
  async count(protocol: string, words: string): Promise<number> {
    const { out } = await this.tool(`netstat -s -p ${protocol}`);
    const line = out.find((text) => text.includes(words));
    if (line === undefined) throw new Error(`netstat does not say ${words}`);
    return Number(line.trim().split(' ').find((word) => /^\d+$/.test(word)));
  }

  async #tell<T>(command: Command): Promise<T> {
    const answer = this.#line();
    this.#host?.stdin?.write(`${JSON.stringify(command)}\n`);
    return JSON.parse(await answer) as T;
  }

  /** The next line of the kernel's side. */
  #line(): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the kernel says nothing')), TIMEOUT_MS);
      const gone = (): void => reject(new Error('the kernel has ended'));
      this.#host?.once('exit', gone);
      this.#lines?.once('line', (text) => {
        clearTimeout(timer);
        this.#host?.off('exit', gone);
        resolve(text);
      });
    });
  }
}
