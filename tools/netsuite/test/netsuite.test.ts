/** Some of Node's own tests of networks on a kernel, where Debian's source package has been fetched (tools/netsuite/fetch.mjs) and Node is the one that the list is for. */
import { known, runTests, differences, testsOf } from '@anykernel/tools-netsuite';
import { oracle } from '@anykernel/tools-oracle';

const isListed = process.version.startsWith('v20.');
const why = isListed ? '' : ` [the list is for Node 20, this is ${process.version}]`;
const declare = isListed ? oracle('nodejs-net-source').test : test.skip;

/** Some of each kind, which take no time of their own. */
const SOME =
  /^test-(net-(binary|bytes-read|connect-(buffer|options-port)|end-without-connect|isip|local-address-port|onread-static-buffer|server-options|socket-timeout)|dgram-(bind|connect|implicit-bind|sendto)|http-(abort-stream-end|chunked|connect|keep-alive|pipe-fs|upgrade-client))\.js$/;

declare(`some of them pass on a kernel, as the list says${why}`, async () => {
  const tests = testsOf(SOME);
  expect(tests.length).toBeGreaterThan(15);
  expect(differences('uknet', await runTests('uknet', tests)).join('\n')).toBe('');
}, 400_000);

test('each test in the list has a reason', () => {
  for (const reason of Object.values(known('uknet'))) expect(reason).toMatch(/\w+ \w+/);
});
