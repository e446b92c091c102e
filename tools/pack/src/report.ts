/** Checks and their outcomes, counted and printed. */

export interface Check {
  readonly name: string;
  /** Sentences; none when all is well. */
  readonly problems: readonly string[];
}

export interface Size {
  readonly title: string;
  readonly packages: number;
  readonly bytes: number;
}

/** How many checks passed and failed. */
export function count(checks: readonly Check[]): { passed: number; failed: number } {
  const failed = checks.filter((check) => check.problems.length > 0).length;
  return { passed: checks.length - failed, failed };
}

/** One line for what is well, and one more for each problem. */
export function lines(check: Check): string[] {
  return [
    `${check.problems.length === 0 ? 'ok    ' : 'FAILED'} ${check.name}`,
    ...check.problems.map((problem) => `       ${problem.replaceAll('\n', '\n       ')}`),
  ];
}

/** The table of installed sizes. */
export function table(sizes: readonly Size[]): string[] {
  const rows = sizes.map(
    ({ title, packages, bytes }) => `${title.padEnd(24)} ${String(packages).padStart(8)} ${`${Math.ceil(bytes / 1024)} KiB`.padStart(12)}`,
  );
  return [`${'installed'.padEnd(24)} ${'packages'.padStart(8)} ${'size'.padStart(12)}`, ...rows];
}
