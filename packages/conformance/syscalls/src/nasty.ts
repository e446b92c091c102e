/** Arguments that no program should give: of wrong types, out of every range, taken away, changing, throwing, and entering the kernel anew. */

/** One wrong value, made anew for each use. */
export interface Nasty {
  readonly name: string;
  /** `enter` makes a system call. */
  make(enter: () => unknown): unknown;
}

const bomb = (): never => {
  throw new RangeError('this is the caller’s');
};

class Liar extends Uint8Array {
  override get length(): number {
    return bomb();
  }
}

function detached(): Uint8Array {
  const bytes = new Uint8Array(64);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

function shrunk(): Uint8Array {
  const Buffers = ArrayBuffer as unknown as new (
    len: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(len: number): void };
  const buffer = new Buffers(64, { maxByteLength: 64 });
  const bytes = new Uint8Array(buffer, 8, 32);
  buffer.resize(4);
  return bytes;
}

/** Every trap throws. */
function trapped(target: object): unknown {
  return new Proxy(target, {
    get: bomb,
    set: bomb,
    has: bomb,
    getPrototypeOf: bomb,
    ownKeys: bomb,
    getOwnPropertyDescriptor: bomb,
    defineProperty: bomb,
  });
}

/** Looks like every record, and whoever looks at it is thrown at, or finds the kernel entered anew. */
function record(get: () => unknown): unknown {
  const it = {};
  for (const key of [
    'sec',
    'nsec',
    'fd',
    'events',
    'ident',
    'filter',
    'flags',
    'fflags',
    'data',
    'nfds',
    'read',
    'cur',
    'max',
    'interval',
    'value',
    'notify',
    'signo',
    'type',
    'start',
    'len',
    'whence',
    'name',
    'iov',
    'control',
    'controlMax',
    'hdr',
    'addr',
    '0',
    'length',
  ])
    Object.defineProperty(it, key, { get, set: bomb, enumerable: true });
  return it;
}

const value = (name: string, v: unknown): Nasty => ({ name, make: () => v });

export const NASTIES: readonly Nasty[] = [
  value('undefined', undefined),
  value('null', null),
  value('true', true),
  value('a string', 'x'),
  value("'3'", '3'),
  value("'length'", 'length'),
  value("'__proto__'", '__proto__'),
  value("'push'", 'push'),
  value('NaN', Number.NaN),
  value('-1', -1),
  value('-0', -0),
  value('0.5', 0.5),
  value('Infinity', Infinity),
  value('-Infinity', -Infinity),
  value('2^31', 2 ** 31),
  value('2^32', 2 ** 32),
  value('2^53', 2 ** 53),
  value('1e300', 1e300),
  value('-2^31', -(2 ** 31)),
  value('-2^53 + 1', -Number.MAX_SAFE_INTEGER),
  value('2^53 - 1', Number.MAX_SAFE_INTEGER),
  value('3n', 3n),
  value('a symbol', Symbol('s')),
  value('a function', bomb),
  value('{}', {}),
  value('[]', []),
  value('[[]]', [[]]),
  value('[undefined]', [undefined]),
  value('[null, 1]', [null, 1]),
  value('a sparse array', new Array(5)),
  value('a long array', new Array(100_000)),
  value('a longer array', new Array(2 ** 32 - 1)),
  value('an object without a prototype', Object.create(null)),
  value('a frozen object', Object.freeze({})),
  value('a Float64Array', new Float64Array(4)),
  value('a DataView', new DataView(new ArrayBuffer(16))),
  value('an ArrayBuffer', new ArrayBuffer(16)),
  value('a Date', new Date(0)),
  value('an empty buffer', new Uint8Array(0)),
  value('NULs', new Uint8Array(9)),
  value('a NUL', '\0'),
  value('a long name', 'x'.repeat(100_000)),
  value('shared memory', new Uint8Array(new SharedArrayBuffer(64))),
  value('a promise', Promise.resolve(1)),
  { name: 'a detached buffer', make: detached },
  { name: 'a buffer that shrank', make: shrunk },
  { name: 'a list with a detached buffer', make: () => [new Uint8Array(3), detached()] },
  { name: 'an array that lies of its length', make: () => new Liar(8) },
  { name: 'what throws when it is made a number', make: () => ({ valueOf: bomb, toString: bomb, [Symbol.toPrimitive]: bomb }) },
  { name: 'a trapped object', make: () => trapped({}) },
  { name: 'a trapped array', make: () => trapped([1, 2]) },
  { name: 'a trapped buffer', make: () => trapped(new Uint8Array(8)) },
  { name: 'a transparent proxy of a buffer', make: () => new Proxy(new Uint8Array(8), {}) },
  { name: 'a list with a proxy of a buffer', make: () => [new Proxy(new Uint8Array(8), {})] },
  { name: 'a list of trapped objects', make: () => [trapped({}), trapped({})] },
  {
    name: 'a list that grows',
    make: () => new Proxy([] as unknown[], { get: (_t, key) => (key === 'length' ? 5 : { fd: 0, events: 1 }) }),
  },
  { name: 'a record of bombs', make: () => record(bomb) },
  { name: 'a list of records of bombs', make: () => [record(bomb)] },
  { name: 'a record that enters the kernel', make: (enter) => record(enter) },
  { name: 'a list of records that enter the kernel', make: (enter) => [record(enter), record(enter)] },
  { name: 'a revoked proxy', make: () => revoked() },
];

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
