/** What a bundle for a Worker or a page begins with. */
import { type HostBrowser, hostBrowser } from '@anykernel/host-browser';
import type { AnyComponent } from '@anykernel/lib-component';
import type { MountSpec } from '@anykernel/stack-boot';
import { type Runtime, startOn } from './runtime.js';

/** Images are fetched from addresses relative to the bundle, and kept in memory. Throws what fetch() throws, and for an answer that is none. */
export async function start(components: readonly AnyComponent[], mounts: readonly MountSpec[]): Promise<Runtime<HostBrowser>> {
  const host = hostBrowser();
  for (const { source } of mounts) if (source !== undefined) await provide(host, source);
  return startOn(host, components, mounts);
}

/** An image; where there is none of the whole name, that in front of an @: a part of it is meant. */
async function provide(host: HostBrowser, source: string): Promise<void> {
  const at = source.lastIndexOf('@');
  try {
    host.provide(source, await download(source));
  } catch (e) {
    if (at <= 0) throw e;
    host.provide(source.slice(0, at), await download(source.slice(0, at)));
  }
}

async function download(source: string): Promise<Uint8Array> {
  const answer = await fetch(new URL(source, import.meta.url));
  if (!answer.ok) throw new Error(`${source}: ${answer.status} ${answer.statusText}`);
  return new Uint8Array(await answer.arrayBuffer());
}
