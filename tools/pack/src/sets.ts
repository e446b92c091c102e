/** What is installed outside the workspace, and what must run there. Data: another set is another row. */

export interface InstallSet {
  /** As the table of sizes names it. */
  readonly title: string;
  /** The packages that a user installs; `*` is all that are published. */
  readonly leaves: readonly string[];
  /** A file in tools/pack/programs, run in the project with plain node. */
  readonly program: string;
  /** Pages of this tree whose programs and commands must run in the project. */
  readonly pages?: readonly string[];
}

export const SETS: readonly InstallSet[] = [
  { title: 'tmpfs only', leaves: ['@anykernel/host-node', '@anykernel/tmpfs'], program: 'tmpfs.mjs' },
  { title: 'ext2fs on an image', leaves: ['@anykernel/host-node', '@anykernel/stack-boot', '@anykernel/ext2fs'], program: 'ext2fs.mjs' },
  {
    title: 'everything',
    leaves: ['*'],
    program: 'everything.mjs',
    pages: ['README.md', 'docs/coming-from.md'],
  },
];
