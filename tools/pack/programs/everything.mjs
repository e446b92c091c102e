/** Every installed package can be imported, and exports something. */
import { readFileSync } from 'node:fs';

/** Conformance suites are imported by tests, under jest; the hypercall interface is types alone. */
const OTHERWISE = /^@anykernel\/(conformance-|host-rumpuser$)/;

const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
const empty = [];
for (const name of Object.keys(dependencies).filter((found) => !OTHERWISE.test(found))) {
  const exported = await import(name);
  if (Object.keys(exported).length === 0) empty.push(name);
}
if (empty.length > 0) throw new Error(`these packages export nothing: ${empty.join(', ')}`);
