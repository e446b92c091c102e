/** Runs the topics: each on a subject of its own, each test in a directory of its own, which is empty and removable afterwards. */
import { MNT_WAIT, type Statvfs } from '@anykernel/lib-sys';
import { afterAll, beforeAll, describe, test } from '@jest/globals';
import type { Cases, Needing } from './cases.js';
import { Context, bytes, codeOf } from './context.js';
import { refusals } from './refusals.js';
import { type Lack, NotExpressible, type Subject, type VnodeSuite } from './subject.js';
import { attributes } from './topics/attributes.js';
import { directories } from './topics/directories.js';
import { flags } from './topics/flags.js';
import { full } from './topics/full.js';
import { handles } from './topics/handles.js';
import { io } from './topics/io.js';
import { links } from './topics/links.js';
import { locks } from './topics/locks.js';
import { many } from './topics/many.js';
import { mounts } from './topics/mounts.js';
import { names } from './topics/names.js';
import { open } from './topics/open.js';
import { permissions } from './topics/permissions.js';
import { random } from './topics/random.js';
import { readdir } from './topics/readdir.js';
import { rename } from './topics/rename.js';
import { space } from './topics/space.js';
import { special } from './topics/special.js';
import { times } from './topics/times.js';
import { xattr } from './topics/xattr.js';

/** All tests, by topic. */
export const topics = {
  names,
  open,
  directories,
  rename,
  links,
  io,
  space,
  attributes,
  times,
  permissions,
  readdir,
  special,
  xattr,
  flags,
  handles,
  locks,
  mounts,
  many,
  random,
  full,
} satisfies Readonly<Record<string, Cases>>;

/** Topics that are run on a small subject. */
const SMALL: ReadonlySet<string> = new Set(['full']);

/** What a directory that held names may keep of the room that they took, in bytes: file systems do not shorten directories. */
const KEPT_BYTES = 2 << 20;

/** Declares the suite's tests for one file system. */
export function vnodeConformance(suite: VnodeSuite): void {
  const lacks: ReadonlySet<Lack> = new Set(suite.lacks ?? []);
  const unexpressed: string[] = [];
  describe(`${suite.name}: vnode conformance`, () => {
    for (const [topic, cases] of Object.entries(topics)) {
      const reason = suite.without?.[topic];
      if (reason !== undefined) unexpressed.push(`${topic}: ${reason}`);
      else describe(topic, () => declare(suite, lacks, topic, cases, unexpressed));
    }
    if (suite.without !== undefined) {
      afterAll(() => {
        process.stdout.write(`${suite.name}: not expressible\n${unexpressed.map((line) => `  ${line}\n`).join('')}`);
      });
    }
  });
}

function declare(suite: VnodeSuite, lacks: ReadonlySet<Lack>, topic: string, cases: Cases, unexpressed: string[]): void {
  let subject: Subject | undefined;
  let count = 0;
  beforeAll(() => {
    subject = suite.make({ small: SMALL.has(topic) });
  });
  afterAll(() => subject?.dispose?.());
  for (const [name, entry] of Object.entries(cases)) {
    const needs = (entry as Partial<Needing>).needs ?? [];
    const lacking = needs.filter((need) => lacks.has(need));
    const body = typeof entry === 'function' ? entry : entry.body;
    const bodies = lacking.length > 0 ? lacking.map((lack) => refusals[lack]) : [body];
    test(lacking.length > 0 ? `${name} (${lacking.join(', ')}: refused)` : name, () => {
      for (const each of bodies) inDirectory(subject as Subject, lacks, `t${count++}`, each, () => unexpressed.push(`${topic}: ${name}`));
    }, 60_000);
  }
}

/** Runs one test in a fresh directory of `subject`, and sees that nothing is left of it. */
export function inDirectory(
  subject: Subject,
  lacks: ReadonlySet<Lack>,
  name: string,
  body: (t: Context) => void,
  unexpressed: () => void,
): void {
  const sys = subject.process({ uid: 0, gid: 0 });
  const dir = `${subject.dir}/${name}`;
  const before = subject.erase === undefined ? sys.statvfs1(subject.dir, MNT_WAIT) : undefined;
  sys.umask(0o022);
  sys.mkdir(dir, 0o777);
  sys.chmod(dir, 0o777);
  sys.chdir(dir);
  const t = new Context(subject, lacks, sys, dir);
  try {
    body(t);
  } catch (e) {
    if (!(e instanceof NotExpressible)) throw e;
    unexpressed();
  } finally {
    subject.reap();
  }
  if (subject.erase !== undefined) subject.erase(dir);
  else expectNothingLeft(new Context(subject, lacks, subject.process({ uid: 0, gid: 0 }), dir), before as Statvfs);
}

/** Removes the test's directory: then as many files and as much room are free as before. */
function expectNothingLeft(t: Context, before: Statvfs): void {
  const { sys, subject } = t;
  removeTree(t, t.dir);
  sys.sync();
  const after = sys.statvfs1(subject.dir, MNT_WAIT);
  subject.reap();
  if (after.ffree !== before.ffree) throw new Error(`${before.ffree - after.ffree} files were not given back`);
  if ((before.bfree - after.bfree) * after.frsize > KEPT_BYTES) throw new Error(`${before.bfree - after.bfree} blocks were not given back`);
}

/** Removes a tree, whatever its modes and flags. `path` is a byte string. */
function removeTree(t: Context, path: string): void {
  const { sys } = t;
  const raw = bytes(path);
  const { mode, flags } = sys.lstat(raw);
  if (flags !== 0) sys.chflags(raw, 0);
  if ((mode & 0o170000) !== 0o040000) {
    sys.unlink(raw);
    return;
  }
  for (const name of t.list(raw)) removeTree(t, `${path}/${name}`);
  const code = codeOf(() => sys.rmdir(raw));
  if (code !== undefined) throw new Error(`${path} cannot be removed: ${code}`);
}
