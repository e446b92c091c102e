/**
 * `node tools/run/pnpm.mjs ...`: the pinned pnpm, also on a machine that has only Node and npm.
 */
import { pnpm } from './steps.mjs';

const [, , ...args] = process.argv;

pnpm(args, `pnpm ${args.join(' ')} failed: its messages are above.`);
