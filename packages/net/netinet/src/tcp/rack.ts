/**
 * RACK-TLP (RFC 8985): a segment is lost when one that was sent later has arrived, and the time for reordering has passed; and the tail of a flight is
 * probed, so that an acknowledgment can tell.
 */
import { seqGe, seqGt, seqLt } from '@anykernel/lib-wire';
import { probeLost } from './pathprobe.js';
import { armReorder, enterRecovery } from './recovery.js';
import { recLost, type Segrec, SR_EVER, SR_LOST, SR_RETRANS, SR_SACKED } from './sendq.js';
import type { Tcp } from './tcp.js';
import { CA_OPEN, type Tcpcb, TF_BLACKHOLE, TF_TSTMP } from './tcpcb.js';

/** RFC 8985 6.2 step 4. */
const REO_MULT_MAX = 16;
const DUPTHRESH = 3;

/**
 * RFC 8985 6.2, steps 1 to 3: record `r` has arrived. Its time counts unless it was sent again, and the first copy may be the one that did. `inOrder`: the
 * acknowledgment has moved over it, so that the time that it echoes is of what moved it.
 */
export function rackDelivered(tcp: Tcp, tp: Tcpcb, r: Segrec, inOrder: boolean): void {
  const rtt = (tcp.nowUs - r.xmitUs) | 0;
  if ((r.flags & SR_EVER) !== 0) {
    // An acknowledgment sooner than the path ever allowed, or of an earlier time, is for the first copy.
    if (rtt < tp.minRttUs || (inOrder && echoesEarlier(tcp, tp, rtt))) return;
  } else if (seqLt(r.end, tp.fack)) tp.reordering = true;
  if (seqGt(r.end, tp.fack)) tp.fack = r.end;
  if (((r.xmitUs - tp.rackXmitUs) | 0) < 0 && tp.rackRttUs !== 0) return;
  if (r.xmitUs === tp.rackXmitUs && !seqGt(r.end, tp.rackEnd) && tp.rackRttUs !== 0) return;
  tp.rackXmitUs = r.xmitUs;
  tp.rackEnd = r.end;
  tp.rackRttUs = rtt > 0 ? rtt : 1;
}

/** Whether the acknowledgment at hand echoes a timestamp from before `us` microseconds ago (RFC 8985 6.2 step 2). */
function echoesEarlier(tcp: Tcp, tp: Tcpcb, us: number): boolean {
  const { opt } = tcp;
  if ((tp.flags & TF_TSTMP) === 0 || !opt.hasTs || opt.tsEcr === 0) return false;
  const echoMs = (tcp.nowMs + tp.tsOffset - opt.tsEcr) | 0;
  // Both are rounded down.
  return echoMs > us / 1000 + 1;
}

/** RFC 8985 6.2 step 4: how long a segment may be behind others. None before reordering was seen, once losses are evident. */
function rackReorderWindow(tp: Tcpcb): number {
  if (!tp.reordering) {
    if (tp.caState !== CA_OPEN) return 0;
    if (tp.sackedBytes >= DUPTHRESH * tp.mss) return 0;
  }
  const window = tp.reoWndMult * (tp.minRttUs >> 2);
  return window < tp.srttUs ? window : tp.srttUs;
}

/** RFC 8985 6.2 step 4: duplicates show that the window for reordering was too small; after 16 recoveries without one it is small again. */
export function rackDsack(tp: Tcpcb): void {
  tp.dsackSeen = true;
  if (!seqGe(tp.sndUna, tp.dsackRound)) return;
  tp.dsackRound = tp.sndNxt;
  if (tp.reoWndMult < REO_MULT_MAX) tp.reoWndMult++;
  tp.reoWndPersist = 16;
}

/** A recovery has ended. */
export function rackRecovered(tp: Tcpcb): void {
  if (tp.reoWndPersist > 0 && --tp.reoWndPersist === 0) tp.reoWndMult = 1;
}

/** RFC 8985 6.2 step 5: marks what is lost, and sets the timer for what may be late. */
export function rackDetectLoss(tcp: Tcp, tp: Tcpcb): void {
  if (tp.rackRttUs === 0) return;
  const window = rackReorderWindow(tp);
  let wait = 0;
  let found = false;
  for (let r = tp.recHead; r !== undefined; r = r.next) {
    if ((r.flags & SR_SACKED) !== 0 || (r.flags & (SR_LOST | SR_RETRANS)) === SR_LOST) continue;
    if (!sentBefore(r, tp)) continue;
    const left = (tp.rackRttUs + window - ((tcp.nowUs - r.xmitUs) | 0)) | 0;
    if (left <= 0) {
      recLost(tp, r);
      tcp.stats.racklost++;
      if ((tp.flags & TF_BLACKHOLE) === 0 || !probeLost(tcp, tp, r)) found = true;
    } else if (left > wait) wait = left;
  }
  if (found) enterRecovery(tcp, tp);
  armReorder(tcp, tp, wait);
}

/** Whether `r` was sent before what was delivered last. */
function sentBefore(r: Segrec, tp: Tcpcb): boolean {
  const earlier = (r.xmitUs - tp.rackXmitUs) | 0;
  return earlier < 0 || (earlier === 0 && seqLt(r.end, tp.rackEnd));
}
