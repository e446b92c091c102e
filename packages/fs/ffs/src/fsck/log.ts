/** The journal, for the checker: what it has is taken as done, and is done by a repair. */
import { LOG_BSIZE, type Replay, emitEmptyLog, readReplay } from '@anykernel/wapbl';
import { type LogPlace, hasLog, logPlace } from '../log.js';
import type { SuperInfo } from '../ondisk.js';
import type { ImageIo } from './store.js';

/** A journal with something in it. */
export interface Logged {
  readonly place: LogPlace;
  readonly replay: Replay;
}

/** What the journal has; undefined: there is none. A string: it cannot be read. */
export function openLog(io: ImageIo, info: SuperInfo): Logged | string | undefined {
  if (!hasLog(info)) return undefined;
  const place = logPlace(info, io.size);
  if (place === undefined) return 'is not where the superblock says';
  const replay = readReplay((off, len) => io.read(place.off + off, len), place.len);
  if (typeof replay === 'string') return `cannot be replayed: ${replay}`;
  const end = info.size * 2 ** info.fshift;
  for (const sector of replay.sectors.keys()) if ((sector + 1) * LOG_BSIZE > end) return 'has sectors outside of the file system';
  return { place, replay };
}

/** The image as it is after a replay, which is not done. */
export function replayed(io: ImageIo, { replay }: Logged): ImageIo {
  const { sectors } = replay;
  return {
    size: io.size,
    read(off, len): Uint8Array {
      const b = io.read(off, len).slice();
      for (let s = Math.floor(off / LOG_BSIZE); s * LOG_BSIZE < off + len; s++) {
        const data = sectors.get(s);
        if (data === undefined) continue;
        const at = s * LOG_BSIZE - off;
        const skip = Math.max(0, -at);
        b.set(data.subarray(skip, Math.min(LOG_BSIZE, len - at)), at + skip);
      }
      return b;
    },
    write: (off, data) => io.write(off, data),
  };
}

/** Does it, and empties the journal. */
export function replayNow(io: ImageIo, { place, replay }: Logged): void {
  for (const [sector, data] of replay.sectors) io.write(sector * LOG_BSIZE, data);
  const { le, fsid, generation } = replay.header;
  io.write(place.off, emitEmptyLog(place.len, le, fsid, generation));
}
