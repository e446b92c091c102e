/** After the last test. */
'use strict';
const { remove } = require('./folder.cjs');

module.exports = () => remove(globalThis.runFolder);
