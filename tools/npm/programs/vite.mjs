/** vite: `vite build` of a project; prints the names and contents of what was made. */
import fs from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';

const [, , at, source] = process.argv;
// On a memory file system or the host the project has still to come; an image has it.
if (source !== undefined) fs.cpSync(source, at, { recursive: true });
const root = fs.realpathSync(at);
await build({ root, configFile: false, logLevel: 'warn', build: { outDir: 'dist', sourcemap: true } });

const files = fs.readdirSync(join(root, 'dist'), { recursive: true }).filter((name) => fs.statSync(join(root, 'dist', name)).isFile());
console.log(JSON.stringify(Object.fromEntries(files.sort().map((name) => [name, fs.readFileSync(join(root, 'dist', name), 'utf8')]))));
