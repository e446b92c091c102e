/** The page's script: has files in each way, shows what came of it, and tells it to the server that the page is from. */
import { filesOnBlob } from './blob.js';
import { filesOnBytes } from './bytes.js';
import { filesInMemory } from './memory.js';

/** The code of the error that `fn` throws. */
function codeOf(fn: () => void): string {
  try {
    fn();
    return 'none';
  } catch (e) {
    return (e as { code?: string }).code ?? String(e);
  }
}

async function inMemory(): Promise<unknown> {
  const fs = filesInMemory(1000);
  fs.mkdirSync('/home/me', { recursive: true });
  fs.writeFileSync('/home/me/note', 'first');
  await fs.promises.appendFile('/home/me/note', ' second');
  fs.renameSync('/home/me/note', '/home/me/kept');
  return { text: fs.readFileSync('/home/me/kept', 'utf8'), names: fs.readdirSync('/home/me'), chown: codeOf(() => fs.chownSync('/home/me/kept', 0, 0)) };
}

/** Reads and changes the image at `url`, and sends it back. */
async function onBytes(url: string): Promise<unknown> {
  const image = new Uint8Array(await (await fetch(url)).arrayBuffer());
  const { fs, halt } = filesOnBytes(image);
  const text = fs.readFileSync('/docs/hello.txt', 'utf8');
  fs.mkdirSync('/made/in/a/page', { recursive: true });
  fs.writeFileSync('/made/in/a/page/large', new Uint8Array(300_000).fill(7));
  fs.symlinkSync('page/large', '/made/in/a/link');
  fs.rmSync('/docs/old.txt');
  halt();
  await fetch(url, { method: 'PUT', body: image });
  return { text };
}

async function onBlob(url: string): Promise<unknown> {
  const { fs, type, halt } = await filesOnBlob(await (await fetch(url)).blob());
  const text = await fs.promises.readFile('/image/docs/hello.txt', 'utf8');
  const names = await fs.promises.readdir('/image/docs');
  const late = codeOf(() => fs.readFileSync('/image/docs/old.txt'));
  const write = await fs.promises.writeFile('/image/x', '').then(() => 'none', (e: { code: string }) => e.code);
  await halt();
  return { type, text, names, late, write };
}

/** The disk `name` of a new Worker. */
function inWorker(name: string): Promise<unknown> {
  const worker = new Worker('worker.js', { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<unknown>): void => resolve(data);
    worker.onerror = ({ message }): void => reject(new Error(message));
    worker.postMessage(name);
  }).finally(() => worker.terminate());
}

const results: Record<string, unknown> = {};
for (const [name, run] of Object.entries({
  memory: inMemory,
  blob: () => onBlob('disk.img'),
  bytes: () => onBytes('disk.img'),
  once: () => inWorker('kept.img'),
  again: () => inWorker('kept.img'),
})) {
  results[name] = await run().catch((e: unknown) => ({ error: String(e) }));
}
document.body.textContent = JSON.stringify(results, undefined, 2);
await fetch('told', { method: 'POST', body: JSON.stringify(results) });
