/**
 * `pnpm posix`: the table of what each subject does as POSIX has it. Each runs in a process of its own, which is ended when a check does not end; the
 * next checks go on in another.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CHECKS } from './probe.js';
import { SUBJECTS } from './subjects.js';

const NAMES = Object.keys(CHECKS);
/** What one subject may take for all its checks. */
const TIMEOUT_MS = 20_000;

/** What came of a check: nothing wrong, or what was. */
type Results = Map<string, string>;

/** The child's part: runs the checks from number `first` on, and writes a line for each. */
async function child(subject: string, first: number): Promise<void> {
  const make = SUBJECTS[subject];
  if (make === undefined) throw new Error(`no subject ${subject}`);
  const { fs, base, done } = await make();
  for (let i = first; i < NAMES.length; i++) {
    const dir = `${base}/c${i}`;
    fs.mkdirSync(dir);
    let wrong = '';
    process.stdout.write(`${i}\t`);
    try {
      (CHECKS[NAMES[i] as string] as (typeof CHECKS)[string])(fs, dir);
    } catch (e) {
      wrong = (e as Error).message.split('\n')[0]?.slice(0, 60) || 'wrong';
    }
    process.stdout.write(`${wrong}\n`);
  }
  done();
}

function run(subject: string): Results {
  const results: Results = new Map();
  const self = fileURLToPath(import.meta.url);
  for (let first = 0; first < NAMES.length; ) {
    const args = [...process.execArgv, self, '--subject', subject, String(first)];
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: TIMEOUT_MS, stdio: ['ignore', 'pipe', 'ignore'] });
    let last = first;
    for (const line of stdout.split('\n')) {
      const [index, wrong] = line.split('\t');
      if (wrong === undefined || index === undefined || index === '') continue;
      results.set(NAMES[Number(index)] as string, wrong);
      last = Number(index) + 1;
    }
    if (last < NAMES.length && !stdout.endsWith('\n')) results.set(NAMES[last - 1] as string, 'does not end');
    else if (last === first) results.set(NAMES[last++] as string, 'could not be tried');
    first = last;
  }
  return results;
}

function table(all: ReadonlyMap<string, Results>): string {
  const subjects = [...all.keys()];
  const mark = (wrong: string | undefined): string => (wrong === '' ? 'yes' : `no: ${wrong ?? 'not tried'}`);
  const right = (r: Results | undefined): string => `${[...(r?.values() ?? [])].filter((w) => w === '').length} of ${NAMES.length}`;
  return [
    `| | ${subjects.join(' | ')} |`,
    `|---|${subjects.map(() => '---|').join('')}`,
    ...NAMES.map((n) => `| ${n} | ${subjects.map((s) => mark(all.get(s)?.get(n))).join(' | ')} |`),
    `| **right** | ${subjects.map((s) => right(all.get(s))).join(' | ')} |`,
  ].join('\n');
}

const [flag, subject, first] = process.argv.slice(2);
if (flag === '--subject') await child(subject ?? '', Number(first));
else console.log(table(new Map(Object.keys(SUBJECTS).map((s) => [s, run(s)]))));
