/**
 * One configuration for every package: native ES modules, TypeScript by swc, packages read from their sources.
 * `pnpm jest packages/fs/tmpfs` runs the tests of one package.
 */
export default {
  testMatch: ['<rootDir>/packages/*/*/test/**/*.test.ts', '<rootDir>/tools/*/test/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/packages/[^/]+/[^/]+/dist/', '<rootDir>/tools/[^/]+/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'mjs', 'js', 'cjs', 'json', 'node'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
  resolver: '<rootDir>/tools/jest/resolver.cjs',
  testEnvironment: '<rootDir>/tools/jest/environment.cjs',
  testSequencer: '<rootDir>/tools/jest/sequencer.cjs',
  globalSetup: '<rootDir>/tools/jest/setup.cjs',
  globalTeardown: '<rootDir>/tools/jest/teardown.cjs',
  maxWorkers: 2,
  // The modules of a suite that has ended stay in memory. A collection takes longer with them, and the coverage that guides fuzzing a hundred times as long.
  workerIdleMemoryLimit: '500MB',
  // Ends what hangs. Nothing takes a tenth of it, except where a test says otherwise.
  testTimeout: 180_000,
};
