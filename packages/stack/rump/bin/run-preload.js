/** What `rump run` has Node load before the program. */
import { startRun } from '@anykernel/stack-rump';

await startRun(import.meta.url);
