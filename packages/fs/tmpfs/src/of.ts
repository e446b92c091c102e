/** From what the layer knows to what tmpfs knows of it. */
import type { Mount, Vnode } from '@anykernel/rumpvfs';
import type { Node } from './node.js';
import type { Tmount } from './tmount.js';

export function nodeOf(vp: Vnode): Node {
  return vp.data as Node;
}

export function tmountOfMount(mp: Mount): Tmount {
  return mp.data as Tmount;
}

/** Never asked of a dead vnode: its operations are not ours any more. */
export function tmountOf(vp: Vnode): Tmount {
  return (vp.mp as Mount).data as Tmount;
}
