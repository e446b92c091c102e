/** Judges images in processes of their own, several at once, each within a time and a memory of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Answer, Ask } from './child.js';
import type { Image } from './image.js';
import type { Finding } from './judge.js';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));
const TYPESCRIPT = new URL('../../run/typescript.mjs', import.meta.url).href;
/** What one image may take, on a machine that has much else to do. */
const TIMEOUT_MS = 240_000;
const HEAP_MAX_MB = 1024;

/** What is found out of each image, in their order; `each` is told as soon as it is known. */
export async function judgeAll(images: readonly Image[], each: (finding: Finding) => void = () => undefined): Promise<Finding[]> {
  const findings: Finding[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    const judge = new Judge();
    try {
      for (let i = next++; i < images.length; i = next++) each((findings[i] = await judge.ask(images[i] as Image)));
    } finally {
      judge.end();
    }
  };
  await Promise.all(Array.from({ length: Math.min(images.length, availableParallelism()) }, work));
  return findings;
}

/** A process, and another one after it has come to a bad end. */
class Judge {
  #child: ChildProcess | undefined;

  ask(image: Image): Promise<Finding> {
    this.#child ??= fork(CHILD, [], { execArgv: ['--import', TYPESCRIPT, `--max-old-space-size=${HEAP_MAX_MB}`], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const child = this.#child;
    return new Promise((resolve) => {
      const done = (finding: Finding): void => {
        clearTimeout(timer);
        child.removeAllListeners();
        if (finding.ms < 0) this.end();
        resolve(finding);
      };
      const fault = (said: string): void => done({ image, opened: [], fault: said, ms: -1 });
      const timer = setTimeout(() => fault(`it took more than ${TIMEOUT_MS / 1000} s`), TIMEOUT_MS);
      child.once('message', (finding) => done(finding as Answer));
      child.once('exit', (code, signal) => fault(`its process ended with ${signal ?? code}`));
      child.send(image satisfies Ask);
    });
  }

  end(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}
