import { expect, test } from '@jest/globals';
import { KINFO_FILE_LEN, KINFO_PROC_LEN, type KinfoFile, type KinfoProc, emitKinfoFile, emitKinfoProc, parseKinfoFiles, parseKinfoProcs } from '../src/index.js';

const PROC: KinfoProc = { pid: 5, ppid: 1, sid: 3, pgid: 4, uid: 1000, ruid: 1001, gid: 100, rgid: 101, comm: 'a-command-of-23-letters' };
const FILE: KinfoFile = { file: 9, flag: 3, type: 2, count: 2, uid: 1000, gid: 100, offset: 6e9, data: 77, pid: 5, fd: 4 };

test('processes and files are what they were, after emitting and parsing', () => {
  const procs = new Uint8Array(2 * KINFO_PROC_LEN + 1);
  emitKinfoProc(procs, 0, PROC);
  emitKinfoProc(procs, KINFO_PROC_LEN, { ...PROC, comm: `${PROC.comm} and more` });
  expect(parseKinfoProcs(procs)).toEqual([PROC, PROC]);
  const files = new Uint8Array(2 * KINFO_FILE_LEN + 1);
  emitKinfoFile(files, 0, FILE);
  emitKinfoFile(files, KINFO_FILE_LEN, { ...FILE, pid: 0, fd: -1 });
  expect(parseKinfoFiles(files)).toEqual([FILE, { ...FILE, pid: 0, fd: -1 }]);
});

test('have the layout of NetBSD/amd64', () => {
  const b = new Uint8Array(KINFO_PROC_LEN);
  emitKinfoProc(b, 0, PROC);
  const view = new DataView(b.buffer);
  expect([116, 120, 124, 128, 136, 140, 144, 148].map((at) => view.getInt32(at, true))).toEqual([5, 1, 3, 4, 1000, 1001, 100, 101]);
  expect([b[368], b[390], b[391]]).toEqual([97, 115, 0]);
});
