/** The order of suites: those that take minutes begin first, so that they do not end alone; the rest as jest has it. */
// jest's own, which it brings along.
const Sequencer = require(require.resolve('@jest/test-sequencer', { paths: [require.resolve('jest/package.json')] })).default;

const SLOW = ['tools/nodesuite/', 'packages/conformance/vnode/test/host', 'packages/fs/ext2fs/test/variants', 'tools/npm/', 'tools/soak/', 'tools/create/', 'packages/stack/rump/test/linux'];

function rank(path) {
  const at = SLOW.findIndex((part) => path.includes(part));
  return at < 0 ? SLOW.length : at;
}

module.exports = class extends Sequencer {
  async sort(tests) {
    const usual = await super.sort(tests);
    return [...usual].sort((a, b) => rank(a.path) - rank(b.path));
  }
};
