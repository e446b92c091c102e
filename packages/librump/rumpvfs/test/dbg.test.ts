import { test } from '@jest/globals';
import { FileCache } from '../src/filecache.js';
import { ModelFile } from './modelfile.js';
import { Rig, difference, pattern } from './rig.js';
test('dbg', () => {
  const sync = true, bshift = 10, seed = 1;
  const DISK = 2 << 20, MAX = 600_000;
  const rig = new Rig({ sync, seed, size: DISK, bytes: pattern(DISK, seed), latencyNs: [1000, 500_000], memLimitBytes: 1 << 20 });
  const { rng } = rig;
  const f = new ModelFile(rig, bshift, MAX);
  const cache = FileCache.of(rig.k);
  cache.limit = 256 << 10;
  const len = (): number => 1 + rng.below(rng.below(3) === 0 ? 150_000 : 9000);
  const log: string[] = [];
  const WATCH = 160626;
  for (let round = 0; round < 150; round++) {
    const off = rng.below(4) === 0 ? rng.below(MAX) : rng.below(Math.min(MAX, f.size + 20_000));
    const n = Math.min(len(), MAX - off);
    const op = rng.below(12);
    const before = f.want[WATCH];
    let bad = false;
    if (op <= 3) { const b = new Uint8Array(n); rng.fill(b); f.write(off, b); }
    else if (op <= 7) { const r = f.read(off, n); bad = difference(r.got, r.want) !== undefined; }
    else if (op === 8) f.truncate(rng.below(3) === 0 ? off : Math.min(MAX, f.size));
    else if (op === 9) f.discard(off, n);
    else if (op === 10 && rng.below(2) === 0) f.zero(off, n);
    else if (op === 10) rig.k.run(() => cache.reclaim(rng.below(200_000)));
    else if (rng.below(2) === 0) rig.call(() => f.u.flush(0, 0, false));
    else { rig.call(() => f.u.flush(0, 0, true)); }
    const c = f.u.find(Math.floor(WATCH / 65536));
    const p = (WATCH % 65536) >> 12;
    const cv = c === undefined ? 'none' : `valid ${(c.valid >> p) & 1} dirty ${(c.dirty >> p) & 1} byte ${c.chunk[WATCH % 65536]} len ${c.chunk.length}`;
    const blk = f.map[Math.floor(WATCH / f.bsize)];
    log.push(`${round} op ${op} off ${off} n ${n} size ${f.size} want ${f.want[WATCH]} c ${cv} blk ${blk} disk ${blk < 0 ? '-' : rig.image(blk * f.bsize + (WATCH % f.bsize), 1)[0]} used ${cache.used} dirty ${cache.dirty} err ${f.u.writeError?.code}`);
    if (rng.below(4) === 0) rig.sim.advance(200_000);
    if (bad) { console.log(log.slice(-40).join('\n')); return; }
  }
});
