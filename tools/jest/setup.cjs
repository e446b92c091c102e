/** Before the first test: a folder of the run's own. */
'use strict';
const { begin } = require('./folder.cjs');

module.exports = () => {
  globalThis.runFolder = begin();
};
