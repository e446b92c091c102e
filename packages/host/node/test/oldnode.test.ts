import { expect, test } from '@jest/globals';

test('a Node that is too old is told so, before anything else', async () => {
  const { getBuiltinModule } = process;
  Object.assign(process, { getBuiltinModule: undefined });
  try {
    await expect(import('../src/builtin.js')).rejects.toThrow(/needs Node 20\.16 or later, and this is v/);
  } finally {
    process.getBuiltinModule = getBuiltinModule;
  }
});
