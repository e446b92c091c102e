/**
 * The order of suites: those of slow.json first, the longest before all, so that none of them ends alone; the rest as jest has it.
 *
 * slow.json is what took more than about nine seconds on two cores, longest first; but fuzzing that coverage guides is right behind the first two, as
 * coverage takes the longer the more suites a worker has had. A clean checkout knows no times of its own.
 */
'use strict';
const path = require('node:path');
const slow = require('./slow.json');
// jest's own, which it brings along.
const Sequencer = require(require.resolve('@jest/test-sequencer', { paths: [require.resolve('jest/package.json')] })).default;

const root = path.resolve(__dirname, '../..');
const ranks = new Map(slow.map((name, rank) => [path.join(root, name), rank]));

function rank(test) {
  return ranks.get(test.path) ?? slow.length;
}

module.exports = class extends Sequencer {
  async sort(tests) {
    const usual = await super.sort(tests);
    return [...usual].sort((a, b) => rank(a) - rank(b));
  }
};
