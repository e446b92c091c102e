/** A bound on what must come to an end soon: what hangs, and what grows with a square, takes minutes. */

/**
 * What `fn` gives. Throws when it takes more of the processor than `limitMs`: what else the machine does meanwhile does not count. The limit is to be far more, ten
 * times at least, than a slow machine needs.
 */
export function soon<T>(limitMs: number, fn: () => T): T {
  const start = process.cpuUsage();
  const result = fn();
  const { user, system } = process.cpuUsage(start);
  const tookMs = (user + system) / 1000;
  if (tookMs > limitMs) throw new Error(`it took ${Math.round(tookMs)} ms of the processor`);
  return result;
}
