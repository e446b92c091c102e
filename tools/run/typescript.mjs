/**
 * `node --import ./tools/run/typescript.mjs x.ts`: runs TypeScript sources as they are, for the tools of this repository.
 *
 * Types are taken off by esbuild; './x.js' finds './x.ts'; `@anykernel/x` is the source of that package, as in jest.
 */
import module from 'node:module';

// Hooks in this thread are what newer versions of Node have; before them there are those of a loader thread.
if (module.registerHooks) module.registerHooks(await import('./typescript-hooks.mjs'));
else module.register('./typescript-hooks.mjs', import.meta.url);
process.setSourceMapsEnabled(true);
