/** Work in steps, each of which may sleep: whoever comes again goes on where he slept. */
export interface Progress {
  step: number;
}

/** Runs the steps that are not done. What one throws is thrown on, and it is tried again next time. */
export function runSteps(progress: Progress, steps: readonly (() => void)[]): void {
  while (progress.step < steps.length) {
    steps[progress.step]();
    progress.step++;
  }
}
