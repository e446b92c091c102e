/**
 * `node --import ./tools/run/typescript.mjs x.ts`: runs TypeScript sources as they are, for the tools of this repository.
 *
 * Types are taken off by esbuild; './x.js' finds './x.ts'; `@anykernel/x` is the source of that package, as in jest.
 */
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
process.setSourceMapsEnabled(true);
