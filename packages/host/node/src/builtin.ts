/**
 * Node's own modules, looked up and not imported: whoever imports from `node:fs` has all that it exports made, and so waits for Node's streams, which
 * take longer to load than all else here; and a bundler for pages stumbles over such an import even where nobody comes by it. What is looked up here is
 * what Node had when this was loaded, whatever a program puts in its place later.
 */
if (process.getBuiltinModule === undefined) throw new Error(`Anykernel needs Node 20.16 or later, and this is ${process.version}`);

export const {
  closeSync, constants, fdatasyncSync, fstatSync, ftruncateSync, openSync, readFileSync, readSync, readdirSync, readvSync, realpathSync, statSync, watch,
  writeSync, writevSync,
} = process.getBuiltinModule('node:fs');
