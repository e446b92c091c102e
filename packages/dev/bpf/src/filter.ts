/**
 * The filter machine of bpf(4): an accumulator, an index register, sixteen words of memory, and instructions that jump forwards only, so that every filter
 * ends. What a filter says is checked once, when it is set; what it loads is checked against the packet each time.
 */
import { getU16le, getU32le } from '@anykernel/lib-bytes';
import {
  BPF_A, BPF_ABS, BPF_ADD, BPF_ALU, BPF_AND, BPF_B, BPF_DIV, BPF_H, BPF_IMM, BPF_IND, BPF_INSN_LEN, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JMP, BPF_JSET,
  BPF_K, BPF_LD, BPF_LDX, BPF_LEN, BPF_LSH, BPF_MAXINSNS, BPF_MEM, BPF_MEMWORDS, BPF_MISC, BPF_MOD, BPF_MSH, BPF_MUL, BPF_NEG, BPF_OR, BPF_RET, BPF_RSH,
  BPF_ST, BPF_STX, BPF_SUB, BPF_TAX, BPF_TXA, BPF_W, BPF_X, BPF_XOR,
} from '@anykernel/lib-sys';

/** Instructions, four words each: code, jump if true, jump if false, constant. */
export type Filter = Int32Array;

const ALU_OPS: readonly number[] = [BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR];

/** All codes that there are, without those that need more than a look at the code itself. */
const CODES: ReadonlySet<number> = new Set([
  ...[BPF_W, BPF_H, BPF_B].flatMap((size) => [BPF_LD | size | BPF_ABS, BPF_LD | size | BPF_IND]),
  BPF_LD | BPF_IMM, BPF_LD | BPF_MEM, BPF_LD | BPF_W | BPF_LEN,
  BPF_LDX | BPF_IMM, BPF_LDX | BPF_MEM, BPF_LDX | BPF_W | BPF_LEN, BPF_LDX | BPF_B | BPF_MSH,
  BPF_ST, BPF_STX,
  ...ALU_OPS.flatMap((op) => [BPF_ALU | op | BPF_K, BPF_ALU | op | BPF_X]),
  BPF_ALU | BPF_NEG,
  BPF_JMP | BPF_JA,
  ...[BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET].flatMap((op) => [BPF_JMP | op | BPF_K, BPF_JMP | op | BPF_X]),
  BPF_RET | BPF_K, BPF_RET | BPF_A,
  BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA,
]);

/** The filter of `count` instructions at `off`; undefined: it is none, or could do what a filter must not. */
export function parseFilter(b: Uint8Array, off: number, count: number): Filter | undefined {
  if (count < 1 || count > BPF_MAXINSNS || off + count * BPF_INSN_LEN > b.length) return undefined;
  const filter = new Int32Array(4 * count);
  for (let i = 0; i < count; i++) {
    const at = off + i * BPF_INSN_LEN;
    filter[4 * i] = getU16le(b, at);
    filter[4 * i + 1] = b[at + 2];
    filter[4 * i + 2] = b[at + 3];
    filter[4 * i + 3] = getU32le(b, at + 4);
    if (!insnValid(filter, i, count)) return undefined;
  }
  // The last one returns: nothing runs off the end.
  return (filter[4 * (count - 1)] & 7) === BPF_RET ? filter : undefined;
}

function insnValid(filter: Filter, i: number, count: number): boolean {
  const code = filter[4 * i];
  const k = filter[4 * i + 3] >>> 0;
  if (!CODES.has(code)) return false;
  // Instructions behind this one.
  const rest = count - 1 - i;
  switch (code) {
    case BPF_JMP | BPF_JA:
      return k < rest;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
      return k < BPF_MEMWORDS;
    case BPF_ALU | BPF_DIV | BPF_K:
    case BPF_ALU | BPF_MOD | BPF_K:
      return k !== 0;
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_K:
      return k < 32;
    default:
      return (code & 7) !== BPF_JMP || (filter[4 * i + 1] < rest && filter[4 * i + 2] < rest);
  }
}

/** Whether two numbers are in that relation, as unsigned ones. */
function holds(code: number, a: number, b: number): boolean {
  switch (code & 0xf0) {
    case BPF_JEQ:
      return a === b;
    case BPF_JGT:
      return a >>> 0 > b >>> 0;
    case BPF_JGE:
      return a >>> 0 >= b >>> 0;
    default:
      return (a & b) !== 0;
  }
}

/** NaN: a division by zero, which ends the filter. */
function compute(code: number, a: number, b: number): number {
  switch (code & 0xf0) {
    case BPF_ADD:
      return (a + b) | 0;
    case BPF_SUB:
      return (a - b) | 0;
    case BPF_MUL:
      return imul(a, b);
    case BPF_DIV:
      return b === 0 ? Number.NaN : ((a >>> 0) / (b >>> 0)) | 0;
    case BPF_MOD:
      return b === 0 ? Number.NaN : ((a >>> 0) % (b >>> 0)) | 0;
    case BPF_OR:
      return a | b;
    case BPF_AND:
      return a & b;
    case BPF_XOR:
      return a ^ b;
    case BPF_LSH:
      return b >>> 0 < 32 ? a << b : 0;
    case BPF_RSH:
      return b >>> 0 < 32 ? (a >>> b) | 0 : 0;
    default:
      return -a | 0;
  }
}

const { imul } = Math;
/** A load from beyond the packet; no filter's value, which are words. */
const BEYOND = 0x1_0000_0000;

/** A word, half word or byte of the packet at `at`, or BEYOND. */
function load(b: Uint8Array, off: number, len: number, at: number, size: number): number {
  if (size === BPF_W) return at + 4 > len ? BEYOND : (b[off + at] << 24) | (b[off + at + 1] << 16) | (b[off + at + 2] << 8) | b[off + at + 3];
  if (size === BPF_H) return at + 2 > len ? BEYOND : (b[off + at] << 8) | b[off + at + 1];
  return at + 1 > len ? BEYOND : b[off + at];
}

/** The machine: its registers and memory are of one run. */
export class Machine {
  readonly #mem = new Int32Array(BPF_MEMWORDS);

  /** How many bytes of the packet in bytes [off, off + len) the filter wants; 0: it does not want it. `filter` was checked by parseFilter(). */
  run(filter: Filter, b: Uint8Array, off: number, len: number): number {
    const mem = this.#mem.fill(0);
    let a = 0;
    let x = 0;
    for (let pc = 0; ; pc += 4) {
      const code = filter[pc];
      const k = filter[pc + 3];
      const mode = code & 0xe0;
      switch (code & 7) {
        case BPF_LD:
          if (mode === BPF_ABS || mode === BPF_IND) {
            a = load(b, off, len, mode === BPF_ABS ? k >>> 0 : (k >>> 0) + (x >>> 0), code & 0x18);
            if (a === BEYOND) return 0;
          } else a = mode === BPF_IMM ? k : mode === BPF_MEM ? mem[k] : len;
          break;
        case BPF_LDX:
          if (mode === BPF_MSH) {
            x = load(b, off, len, k >>> 0, BPF_B);
            if (x === BEYOND) return 0;
            x = (x & 15) << 2;
          } else x = mode === BPF_IMM ? k : mode === BPF_MEM ? mem[k] : len;
          break;
        case BPF_ST:
          mem[k] = a;
          break;
        case BPF_STX:
          mem[k] = x;
          break;
        case BPF_ALU:
          a = compute(code, a, (code & BPF_X) !== 0 ? x : k);
          if (Number.isNaN(a)) return 0;
          break;
        case BPF_JMP:
          if (code === (BPF_JMP | BPF_JA)) pc += 4 * k;
          else pc += 4 * filter[holds(code, a, (code & BPF_X) !== 0 ? x : k) ? pc + 1 : pc + 2];
          break;
        case BPF_RET:
          return (code & 0x18) === BPF_A ? a >>> 0 : k >>> 0;
        default:
          if (code === (BPF_MISC | BPF_TAX)) x = a;
          else a = x;
      }
    }
  }
}
