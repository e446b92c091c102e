/** The filter machine, instruction by instruction, and what is refused (bpf(4), FILTER MACHINE). */
import {
  BPF_A, BPF_ABS, BPF_ADD, BPF_ALU, BPF_AND, BPF_B, BPF_DIV, BPF_H, BPF_IMM, BPF_IND, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JMP, BPF_JSET, BPF_JUMP, BPF_K,
  BPF_LD, BPF_LDX, BPF_LEN, BPF_LSH, BPF_MAXINSNS, BPF_MEM, BPF_MISC, BPF_MOD, BPF_MSH, BPF_MUL, BPF_NEG, BPF_OR, BPF_PROGRAM_LEN, BPF_RET, BPF_RSH, BPF_ST, BPF_STMT,
  BPF_STX, BPF_SUB, BPF_TAX, BPF_TXA, BPF_W, BPF_X, BPF_XOR, type BpfInsn, bpfProgram,
} from '@anykernel/lib-sys';
import { describe, expect, test } from '@jest/globals';
import { Machine, parseFilter } from '../src/index.js';

const PACKET = Uint8Array.of(0x45, 0x81, 0x02, 0xff, 0xfe, 0x06, 0x07, 0x08);
const RET_A = BPF_STMT(BPF_RET | BPF_A, 0);

function parsed(insns: readonly BpfInsn[]) {
  return parseFilter(bpfProgram(insns), BPF_PROGRAM_LEN, insns.length);
}

/** What the program makes of PACKET, which stands three bytes into its buffer. */
function run(...insns: BpfInsn[]): number {
  const filter = parsed(insns);
  if (filter === undefined) throw new Error('refused');
  return new Machine().run(filter, Uint8Array.of(9, 9, 9, ...PACKET, 9, 9, 9), 3, PACKET.length);
}

const a = (k: number): BpfInsn => BPF_STMT(BPF_LD | BPF_IMM, k);
const x = (k: number): BpfInsn => BPF_STMT(BPF_LDX | BPF_IMM, k);

describe('loads', () => {
  test.each<[string, BpfInsn[], number]>([
    ['a word', [BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 1)], 0x8102_fffe],
    ['half a word', [BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 3)], 0xfffe],
    ['a byte', [BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 7)], 8],
    ['a word behind x', [x(4), BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0)], 0xfe06_0708],
    ['half a word behind x', [x(2), BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4)], 0x0708],
    ['a byte behind x', [x(2), BPF_STMT(BPF_LD | BPF_B | BPF_IND, 1)], 0xff],
    ['the length', [BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0)], 8],
    ['the length into x', [BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0)], 8],
    ['the length of an IP header', [BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0)], 20],
    ['memory that was stored', [a(7), BPF_STMT(BPF_ST, 15), a(1), BPF_STMT(BPF_LD | BPF_MEM, 15)], 7],
    ['memory that x was stored in', [x(7), BPF_STMT(BPF_STX, 0), x(1), BPF_STMT(BPF_LDX | BPF_MEM, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0)], 7],
    ['memory, a and x to begin with', [BPF_STMT(BPF_LDX | BPF_MEM, 3), BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0)], 0],
    ['x from a', [a(5), BPF_STMT(BPF_MISC | BPF_TAX, 0), a(1), BPF_STMT(BPF_MISC | BPF_TXA, 0)], 5],
  ])('%s', (_what, insns, want) => {
    expect(run(...insns, RET_A)).toBe(want);
  });

  test.each<[string, BpfInsn[]]>([
    ['a word', [BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 5)]],
    ['half a word', [BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 7)]],
    ['a byte', [BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8)]],
    ['a byte at the largest offset', [BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0xffff_ffff)]],
    ['a byte where offset and x wrap around', [x(0xffff_ffff), BPF_STMT(BPF_LD | BPF_B | BPF_IND, 1)]],
    ['the length of an IP header', [BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 8)]],
  ])('%s from beyond the packet: it is not wanted', (_what, insns) => {
    expect(run(...insns, BPF_STMT(BPF_RET | BPF_K, 1))).toBe(0);
  });
});

describe('arithmetic', () => {
  test.each<[string, number, number, number, number]>([
    ['add', BPF_ADD, 0xffff_ffff, 2, 1], ['sub', BPF_SUB, 1, 2, 0xffff_ffff], ['mul', BPF_MUL, 0x1_0001, 0x1_0001, 0x2_0001],
    ['div', BPF_DIV, 0xffff_fffe, 2, 0x7fff_ffff], ['mod', BPF_MOD, 0xffff_ffff, 10, 5], ['or', BPF_OR, 0x8000_0000, 1, 0x8000_0001],
    ['and', BPF_AND, 0xff, 0x0f, 0x0f], ['xor', BPF_XOR, 0xff, 0x0f, 0xf0], ['lsh', BPF_LSH, 1, 31, 0x8000_0000], ['rsh', BPF_RSH, 0x8000_0000, 31, 1],
  ])('%s, with a constant and with x', (_name, op, left, right, want) => {
    expect(run(a(left), BPF_STMT(BPF_ALU | op | BPF_K, right), RET_A)).toBe(want);
    expect(run(a(left), x(right), BPF_STMT(BPF_ALU | op | BPF_X, 0), RET_A)).toBe(want);
  });

  test('neg', () => {
    expect(run(a(1), BPF_STMT(BPF_ALU | BPF_NEG, 0), RET_A)).toBe(0xffff_ffff);
  });

  test.each([['div', BPF_DIV], ['mod', BPF_MOD]])('%s by an x that is zero: the packet is not wanted', (_name, op) => {
    expect(run(a(1), BPF_STMT(BPF_ALU | op | BPF_X, 0), BPF_STMT(BPF_RET | BPF_K, 1))).toBe(0);
  });

  test('a shift by 32 and more leaves nothing', () => {
    expect(run(a(1), x(32), BPF_STMT(BPF_ALU | BPF_LSH | BPF_X, 0), RET_A)).toBe(0);
    expect(run(a(1), x(0xffff_ffff), BPF_STMT(BPF_ALU | BPF_RSH | BPF_X, 0), RET_A)).toBe(0);
  });
});

describe('jumps', () => {
  const MIN_INT = 0x8000_0000;
  test.each<[string, number, number, number, boolean]>([
    ['jeq', BPF_JEQ, MIN_INT, MIN_INT, true], ['jeq', BPF_JEQ, 1, 2, false], ['jgt', BPF_JGT, MIN_INT, 1, true], ['jgt', BPF_JGT, 1, 1, false],
    ['jge', BPF_JGE, 1, 1, true], ['jge', BPF_JGE, 1, MIN_INT, false], ['jset', BPF_JSET, MIN_INT, 0xf000_0000, true], ['jset', BPF_JSET, 1, 2, false],
  ])('%s is of unsigned numbers, with a constant and with x', (_name, op, left, right, taken) => {
    const rest = [BPF_STMT(BPF_RET | BPF_K, 10), BPF_STMT(BPF_RET | BPF_K, 20)];
    expect(run(a(left), BPF_JUMP(BPF_JMP | op | BPF_K, right, 1, 0), ...rest)).toBe(taken ? 20 : 10);
    expect(run(a(left), x(right), BPF_JUMP(BPF_JMP | op | BPF_X, 0, 1, 0), ...rest)).toBe(taken ? 20 : 10);
  });

  test('ja goes over what is between', () => {
    expect(run(BPF_STMT(BPF_JMP | BPF_JA, 1), BPF_STMT(BPF_RET | BPF_K, 1), BPF_STMT(BPF_RET | BPF_K, 2))).toBe(2);
  });
});

describe('a filter is refused', () => {
  const ret = BPF_STMT(BPF_RET | BPF_K, 1);
  test.each<[string, BpfInsn[]]>([
    ['of no instruction', []],
    ['of more than 512', Array.from({ length: BPF_MAXINSNS + 1 }, () => ret)],
    ['that does not return at its end', [ret, a(1)]],
    ['with a code that is none', [BPF_STMT(0x1ff, 0), ret]],
    ['with a code of other bits', [BPF_STMT(0x8000 | BPF_RET, 0)]],
    ['that returns x', [BPF_STMT(BPF_RET | BPF_X, 0)]],
    ['that jumps behind its end', [BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), ret]],
    ['that jumps behind its end if not', [BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 255), ret]],
    ['that jumps behind its end always', [BPF_STMT(BPF_JMP | BPF_JA, 1), ret]],
    ['that jumps backwards', [BPF_STMT(BPF_JMP | BPF_JA, 0xffff_ffff), ret]],
    ['that loads from no memory', [BPF_STMT(BPF_LD | BPF_MEM, 16), ret]],
    ['that stores into no memory', [BPF_STMT(BPF_ST, 16), ret]],
    ['that stores x into no memory', [BPF_STMT(BPF_STX, 0xffff_ffff), ret]],
    ['that divides by zero', [BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), ret]],
    ['that divides by zero for what is left', [BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 0), ret]],
    ['that shifts by 32', [BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), ret]],
  ])('%s', (_what, insns) => {
    expect(parsed(insns)).toBeUndefined();
  });

  test('whose bytes are not all there', () => {
    expect(parseFilter(bpfProgram([ret, ret]), BPF_PROGRAM_LEN, 3)).toBeUndefined();
  });
});

test('any bytes are refused, or run to an end', () => {
  const machine = new Machine();
  let seed = 12_345;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  let accepted = 0;
  for (let i = 0; i < 20_000; i++) {
    const insns = Array.from({ length: 1 + next(6) }, (): BpfInsn => [next(0xb8), next(4), next(4), next(2) === 0 ? next(40) : seed]);
    const filter = parsed([...insns, ret1]);
    if (filter === undefined) continue;
    accepted++;
    const wanted = machine.run(filter, PACKET, 0, PACKET.length);
    expect(Number.isInteger(wanted) && wanted >= 0 && wanted <= 0xffff_ffff).toBe(true);
  }
  expect(accepted).toBeGreaterThan(100);
});
const ret1 = BPF_STMT(BPF_RET | BPF_K, 1);
