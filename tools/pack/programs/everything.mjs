/** Every installed package can be imported, and exports something. */
import { readFileSync } from 'node:fs';

const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
const empty = [];
for (const name of Object.keys(dependencies)) {
  const exported = await import(name);
  if (Object.keys(exported).length === 0) empty.push(name);
}
// Packages of types alone have nothing to export at run time.
const allowed = ['@anykernel/host-rumpuser'];
const surprising = empty.filter((name) => !allowed.includes(name));
if (surprising.length > 0) throw new Error(`these packages export nothing: ${surprising.join(', ')}`);
