import { type AnyComponent, COMPONENT_ABI, ClosureError, closure, component, isComponent } from '@anykernel/lib-component';

function make(name: string, requires: readonly AnyComponent[] = [], provides: readonly string[] = []): AnyComponent {
  return component({ name, class: 'misc', requires, provides, attach: () => name });
}

const names = (order: readonly AnyComponent[]): string[] => order.map((c) => c.name);

test('what is required comes first, each once, otherwise in the order named', () => {
  const base = make('base');
  const vfs = make('vfs', [base]);
  const dev = make('dev', [base]);
  const ext2fs = make('ext2fs', [vfs]);
  const vnd = make('vnd', [dev, vfs]);
  expect(names(closure([vnd, ext2fs]))).toEqual(['base', 'dev', 'vfs', 'vnd', 'ext2fs']);
  expect(names(closure([ext2fs, vnd]))).toEqual(['base', 'vfs', 'ext2fs', 'dev', 'vnd']);
  expect(names(closure([ext2fs, ext2fs, vfs]))).toEqual(['base', 'vfs', 'ext2fs']);
  expect(closure([])).toEqual([]);
});

test('what is loaded is not given again, and counts', () => {
  const base = make('base');
  const vfs = make('vfs', [base], ['root']);
  expect(names(closure([make('tmpfs', [vfs])], [base, vfs]))).toEqual(['tmpfs']);
  expect(() => closure([make('other', [], ['root'])], [base, vfs])).toThrow('vfs and other both provide root');
  expect(() => closure([make('vfs')], [base, vfs])).toThrow('there are two copies of component vfs');
});

test('a circle is told, link by link', () => {
  const a = { ...make('a'), requires: [] as AnyComponent[] };
  const b = make('b', [a]);
  a.requires.push(b);
  expect(() => closure([a])).toThrow('components require each other in a circle: a -> b -> a');
});

test('two copies, two providers and another interface are refused with the names', () => {
  expect(() => closure([make('x'), make('x')])).toThrow(ClosureError);
  expect(() => closure([make('x', [make('y')]), make('y')])).toThrow(/two copies of component y: one package is installed twice/);
  expect(() => closure([make('a', [], ['PF_INET']), make('b', [], ['PF_INET'])])).toThrow('a and b both provide PF_INET: a kernel takes one of them');
  expect(() => closure([{ ...make('old'), abi: 0 }])).toThrow(`component old was made for interface 0, this is ${COMPONENT_ABI}`);
});

test('a declaration is frozen and knows its interface', () => {
  const c = make('tmpfs');
  expect([Object.isFrozen(c), c.abi, c.provides]).toEqual([true, COMPONENT_ABI, []]);
});

test('a declaration is told from other values', () => {
  expect(isComponent(make('x'))).toBe(true);
  for (const value of [undefined, null, 5, 'x', {}, { name: 'x' }, { name: 'x', abi: 1, requires: [] }]) expect(isComponent(value)).toBe(false);
});
