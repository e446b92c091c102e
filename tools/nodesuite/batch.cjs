/**
 * Runs tests of Node's one after another in this process: `node batch.cjs TEST...`, absolute paths. Each begins when nothing of the one before it is left
 * to be done, and all of them have to hold at the end. Ends with 1 when one of them ended the process before that.
 */
'use strict';

const tests = process.argv.splice(2);
let index = 0;

process.setMaxListeners(0);
process.on('beforeExit', () => {
  if (index < tests.length) setImmediate(next);
});
process.on('exit', () => {
  if (index < tests.length) process.exitCode = 1;
});

function next() {
  process.argv[1] = tests[index];
  index++;
  require(process.argv[1]);
}
