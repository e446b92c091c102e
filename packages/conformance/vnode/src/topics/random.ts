/** Operations drawn by seed, on a file system and on a model of it; whole trees are compared. A failure names its seed. */
import { AT_FDCWD, O_CREAT, O_EXCL, O_RDWR, O_WRONLY } from '@anykernel/lib-sys';
import { type Cases, needing } from '../cases.js';
import { type Context, codeOf, pattern } from '../context.js';
import { type Errors, Model, ModelDir, ModelFile, ModelLink, difference } from '../model.js';

const NAMES = ['a', 'b', 'c', 'dd', 'e-longer-name', 'f'];
const OPERATIONS = 1500;
const COMPARE_EVERY = 100;
const MAX_SIZE = 100_000;

const imul = Math.imul;

/** Numbers by seed. */
class Draw {
  #state: number;
  constructor(seed: number) {
    this.#state = imul(seed, 0x9e3779b1) | 1;
  }

  below(n: number): number {
    this.#state = (imul(this.#state, 1664525) + 1013904223) | 0;
    return (this.#state >>> 8) % n;
  }

  path(): string {
    let path = this.name();
    while (this.below(10) < 4 && path.length < 40) path += `/${this.name()}`;
    return path;
  }

  name(): string {
    return NAMES[this.below(NAMES.length)] as string;
  }
}

interface World {
  readonly t: Context;
  readonly model: Model;
  readonly draw: Draw;
}

/** Does one operation on both, and gives what it was, the errors of the model and the code of the file system. */
type Operation = (w: World) => readonly [what: string, errors: Errors, code: string | undefined];

const create: Operation = ({ t, model, draw }) => {
  const path = draw.path();
  const errors = model.make(path, new ModelFile(0o644));
  return [`create ${path}`, errors, codeOf(() => t.sys.close(t.sys.open(path, O_WRONLY | O_CREAT | O_EXCL, 0o644)))];
};

const mkdir: Operation = ({ t, model, draw }) => {
  const path = draw.path();
  return [`mkdir ${path}`, model.make(path, new ModelDir(0o755)), codeOf(() => t.sys.mkdir(path, 0o755))];
};

const symlink: Operation = ({ t, model, draw }) => {
  const path = draw.path();
  const target = `nowhere/${'x'.repeat(draw.below(100))}`;
  return [`symlink ${path}`, model.make(path, new ModelLink(target)), codeOf(() => t.sys.symlink(target, path))];
};

const unlink: Operation = ({ t, model, draw }) => {
  const path = draw.path();
  return [`unlink ${path}`, model.unlink(path, [t.manners === 'linux' ? 'EISDIR' : 'EPERM']), codeOf(() => t.sys.unlink(path))];
};

const rmdir: Operation = ({ t, model, draw }) => {
  const path = draw.path();
  return [`rmdir ${path}`, model.rmdir(path), codeOf(() => t.sys.rmdir(path))];
};

const link: Operation = ({ t, model, draw }) => {
  const from = draw.path();
  const to = draw.path();
  return [`link ${from} ${to}`, model.link(from, to), codeOf(() => t.sys.linkat(AT_FDCWD, from, AT_FDCWD, to, 0))];
};

const rename: Operation = ({ t, model, draw }) => {
  const from = draw.path();
  const to = draw.path();
  return [`rename ${from} ${to}`, model.rename(from, to, t.manners === 'linux'), codeOf(() => t.sys.rename(from, to))];
};

/** The errors of opening `path` to write, and the file. */
function writable(model: Model, path: string): { errors: Errors; file: ModelFile | undefined } {
  const { node, errors } = model.find(path);
  if (errors.length > 0) return { errors, file: undefined };
  if (node === undefined || node.kind === 'link') return { errors: ['ENOENT'], file: undefined };
  return node.kind === 'dir' ? { errors: ['EISDIR'], file: undefined } : { errors: [], file: node };
}

const write: Operation = ({ t, model, draw }) => {
  const path = draw.path();
  const { errors, file } = writable(model, path);
  const at = draw.below(draw.below(3) === 0 ? MAX_SIZE : 5000);
  const data = pattern(1 + draw.below(9000), draw.below(1000));
  if (file !== undefined) {
    const grown = new Uint8Array(Math.max(file.data.length, at + data.length));
    grown.set(file.data);
    grown.set(data, at);
    file.data = grown;
  }
  const code = codeOf(() => {
    const fd = t.sys.open(path, O_RDWR);
    t.sys.pwrite(fd, data, at);
    t.sys.close(fd);
  });
  return [`write ${path} at ${at}, ${data.length} bytes`, errors, code];
};

const truncate: Operation = ({ t, model, draw }) => {
  const path = draw.path();
  const { errors, file } = writable(model, path);
  const size = draw.below(draw.below(4) === 0 ? MAX_SIZE : 6000);
  if (file !== undefined) {
    const cut = new Uint8Array(size);
    cut.set(file.data.subarray(0, size));
    file.data = cut;
  }
  return [`truncate ${path} to ${size}`, errors, codeOf(() => t.sys.truncate(path, size))];
};

const chmod: Operation = ({ t, model, draw }) => {
  const path = draw.path();
  const { node, errors } = model.find(path);
  const mode = 0o700 | draw.below(64);
  const missing = node === undefined || node.kind === 'link';
  if (!missing) node.mode = mode;
  return [`chmod ${path}`, errors.length === 0 && missing ? ['ENOENT'] : errors, codeOf(() => t.sys.chmod(path, mode))];
};

function run(t: Context, seed: number, operations: readonly Operation[]): void {
  const world: World = { t, model: new Model(), draw: new Draw(seed) };
  const history: string[] = [];
  for (let n = 1; n <= OPERATIONS; n++) {
    const operation = operations[world.draw.below(operations.length)] as Operation;
    const [what, errors, code] = operation(world);
    history.push(`${what}: ${code ?? 'done'}`);
    const fine = code === undefined ? errors.length === 0 : errors.includes(code);
    const wrong = fine
      ? n % COMPARE_EVERY === 0
        ? difference(t, world.model.root, '.')
        : undefined
      : `the model says ${errors.length === 0 ? 'success' : errors.join(' or ')}`;
    if (wrong !== undefined) throw new Error(`seed ${seed}, operation ${n}: ${wrong}\n${history.slice(-30).join('\n')}`);
  }
  afterRemount(world, seed);
}

/** What is on a device is what was there before it was mounted again. */
function afterRemount({ t, model }: World, seed: number): void {
  if (t.subject.remount === undefined || t.lacks('remount')) return;
  t.sys.chdir('/');
  t.subject.remount(false);
  t.sys.chdir(t.dir);
  const wrong = difference(t, model.root, '.');
  if (wrong !== undefined) throw new Error(`seed ${seed}, mounted again: ${wrong}`);
}

/** What every file system does, twice where it shall come often. */
function operationsOf(t: Context): Operation[] {
  const all = [create, create, create, mkdir, mkdir, unlink, rmdir, write, write, write, truncate];
  if (!t.lacks('modes')) all.push(chmod);
  if (!t.lacks('symlinks')) all.push(symlink);
  if (!t.lacks('hardlinks')) all.push(link, link);
  if (!t.lacks('rename')) all.push(rename, rename, rename);
  return all;
}

const SEEDS = [1, 2, 3, 4, 5, 6];

export const random: Cases = Object.fromEntries([
  ...SEEDS.map((seed) => [
    `${OPERATIONS} operations with seed ${seed} do what they do to a model`,
    (t: Context) => run(t, seed, operationsOf(t)),
  ]),
  [
    'names alone, with seed 100: renaming and linking most of all',
    needing('rename', 'hardlinks', (t) => run(t, 100, [create, mkdir, mkdir, unlink, rmdir, link, rename, rename, rename, rename])),
  ],
]);
