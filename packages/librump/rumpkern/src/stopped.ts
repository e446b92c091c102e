/** The kernel has stopped: a panic, or a halt. */
export class KernelStopped extends Error {
  override readonly name: string = 'KernelStopped';
}
