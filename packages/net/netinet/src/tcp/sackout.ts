/** Selective acknowledgments that we send (RFC 2018 4, RFC 2883): which blocks beyond the next byte have come, the latest first. */
import { SACK_BLOCKS_MAX, seqGe, seqGt, seqLe, seqLt, type TcpOptions } from '@anykernel/lib-wire';
import { Extras, RSACK_MAX } from './extras.js';
import type { Tcpcb } from './tcpcb.js';

/** Bytes [start, end) have come out of order: they join what they touch, and come first in the next report. */
export function sackArrived(tp: Tcpcb, start: number, end: number): void {
  const extras = (tp.extras ??= new Extras());
  const { rsack } = extras;
  let from = start;
  let to = end;
  let kept = 0;
  for (let i = 0; i < extras.rsackCount; i++) {
    const s = rsack[2 * i]!;
    const e = rsack[2 * i + 1]!;
    if (seqLe(s, to) && seqGe(e, from)) {
      if (seqLt(s, from)) from = s;
      if (seqGt(e, to)) to = e;
      continue;
    }
    rsack[2 * kept] = s;
    rsack[2 * kept + 1] = e;
    kept++;
  }
  if (kept === RSACK_MAX) kept--;
  rsack.copyWithin(2, 0, 2 * kept);
  rsack[0] = from;
  rsack[1] = to;
  extras.rsackCount = kept + 1;
}

/** Bytes that had come came again (RFC 2883 4). */
export function sackDuplicate(tp: Tcpcb, start: number, end: number): void {
  if (!seqLt(start, end)) return;
  const extras = (tp.extras ??= new Extras());
  extras.dsackStart = start;
  extras.dsackEnd = end;
}

/** What is before the next byte is no longer reported. */
export function sackAdvance(tp: Tcpcb): void {
  const extras = tp.extras;
  if (extras === undefined || extras.rsackCount === 0) return;
  const { rsack } = extras;
  let kept = 0;
  for (let i = 0; i < extras.rsackCount; i++) {
    if (seqLe(rsack[2 * i + 1]!, tp.rcvNxt)) continue;
    rsack[2 * kept] = rsack[2 * i]!;
    rsack[2 * kept + 1] = rsack[2 * i + 1]!;
    kept++;
  }
  extras.rsackCount = kept;
}

/** Puts blocks into a segment's options, as many as `room` bytes hold. A duplicate is reported once, as the first. */
export function reportBlocks(tp: Tcpcb, opt: TcpOptions, room: number): void {
  const extras = tp.extras!;
  let max = (room - 4) >> 3;
  if (max > SACK_BLOCKS_MAX) max = SACK_BLOCKS_MAX;
  let count = 0;
  if (extras.dsackStart !== extras.dsackEnd && max > 0) {
    opt.sack[0] = extras.dsackStart;
    opt.sack[1] = extras.dsackEnd;
    extras.dsackStart = extras.dsackEnd = 0;
    count = 1;
  }
  for (let i = 0; i < extras.rsackCount && count < max; i++, count++) {
    opt.sack[2 * count] = extras.rsack[2 * i]!;
    opt.sack[2 * count + 1] = extras.rsack[2 * i + 1]!;
  }
  opt.sackCount = count;
}
