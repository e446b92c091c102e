/** The demonstration that `npm start` runs: `node dist/main.js`. Status 1 when a check fails. */
import { demonstrate } from './demonstrate.js';

process.exitCode = await demonstrate((text) => process.stdout.write(`${text}\n`));
