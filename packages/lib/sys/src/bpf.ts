/**
 * The packet filter device (bpf(4)): its ioctls, its structures, and the instructions of its filters.
 *
 * struct bpf_insn: code 0[2], jt 2, jf 3, k 4[4]. struct bpf_program: count of instructions 0[4], an address 8[8]; here the instructions follow the record
 * in the same bytes. struct bpf_stat: received 0[8], dropped 8[8], captured 16[8], 128 bytes. struct bpf_hdr, in front of each packet: seconds 0[8],
 * microseconds 8[8], bytes captured 16[4], bytes of the packet 20[4], bytes of this header 24[2].
 */
import { getU16le, getU32le, getU64le, putU16le, putU32le } from '@anykernel/lib-bytes';
import { IFREQ_LEN } from './if.js';
import { _IO, _IOR, _IOW, _IOWR } from './ioctl.js';

export const BPF_PROGRAM_LEN = 16;
export const BPF_INSN_LEN = 8;
export const BPF_STAT_LEN = 128;
export const BPF_DLTLIST_LEN = 16;

export const BIOCGBLEN: number = _IOR('B', 102, 4);
export const BIOCSBLEN: number = _IOWR('B', 102, 4);
export const BIOCSETF: number = _IOW('B', 103, BPF_PROGRAM_LEN);
export const BIOCFLUSH: number = _IO('B', 104);
export const BIOCPROMISC: number = _IO('B', 105);
export const BIOCGDLT: number = _IOR('B', 106, 4);
export const BIOCGETIF: number = _IOR('B', 107, IFREQ_LEN);
export const BIOCSETIF: number = _IOW('B', 108, IFREQ_LEN);
export const BIOCGSTATS: number = _IOR('B', 111, BPF_STAT_LEN);
export const BIOCIMMEDIATE: number = _IOW('B', 112, 4);
export const BIOCVERSION: number = _IOR('B', 113, 4);
export const BIOCGHDRCMPLT: number = _IOR('B', 116, 4);
export const BIOCSHDRCMPLT: number = _IOW('B', 117, 4);
export const BIOCSDLT: number = _IOW('B', 118, 4);
export const BIOCGDLTLIST: number = _IOWR('B', 119, BPF_DLTLIST_LEN);
export const BIOCGDIRECTION: number = _IOR('B', 120, 4);
export const BIOCSDIRECTION: number = _IOW('B', 121, 4);
export const BIOCSRTIMEOUT: number = _IOW('B', 122, 16);
export const BIOCGRTIMEOUT: number = _IOR('B', 123, 16);
export const BIOCGFEEDBACK: number = _IOR('B', 124, 4);
export const BIOCSFEEDBACK: number = _IOW('B', 125, 4);
export const BIOCLOCK: number = _IO('B', 126);
export const BIOCSETWF: number = _IOW('B', 127, BPF_PROGRAM_LEN);

/** Which packets are captured: those that come, all, those that go. */
export const BPF_D_IN = 0;
export const BPF_D_INOUT = 1;
export const BPF_D_OUT = 2;

export const BPF_MAJOR_VERSION = 1;
export const BPF_MINOR_VERSION = 1;
export const BPF_MINBUFSIZE = 32;
export const BPF_DFLTBUFSIZE = 32_768;
export const BPF_MAXINSNS = 512;
/** Words that a filter may store. */
export const BPF_MEMWORDS = 16;
/** Bytes of struct bpf_hdr that are used. */
export const BPF_HDR_LEN = 26;

/** Link layers: a family in four bytes of the host's order, Ethernet, packets from their IP header on. */
export const DLT_NULL = 0;
export const DLT_EN10MB = 1;
export const DLT_RAW = 12;

/** Where records in a buffer begin. */
export function BPF_WORDALIGN(len: number): number {
  return (len + 7) & ~7;
}

// -- instructions: class, then size and mode, or operation and source

export const BPF_LD = 0x00;
export const BPF_LDX = 0x01;
export const BPF_ST = 0x02;
export const BPF_STX = 0x03;
export const BPF_ALU = 0x04;
export const BPF_JMP = 0x05;
export const BPF_RET = 0x06;
export const BPF_MISC = 0x07;
export const BPF_W = 0x00;
export const BPF_H = 0x08;
export const BPF_B = 0x10;
export const BPF_IMM = 0x00;
export const BPF_ABS = 0x20;
export const BPF_IND = 0x40;
export const BPF_MEM = 0x60;
export const BPF_LEN = 0x80;
export const BPF_MSH = 0xa0;
export const BPF_ADD = 0x00;
export const BPF_SUB = 0x10;
export const BPF_MUL = 0x20;
export const BPF_DIV = 0x30;
export const BPF_OR = 0x40;
export const BPF_AND = 0x50;
export const BPF_LSH = 0x60;
export const BPF_RSH = 0x70;
export const BPF_NEG = 0x80;
export const BPF_MOD = 0x90;
export const BPF_XOR = 0xa0;
export const BPF_JA = 0x00;
export const BPF_JEQ = 0x10;
export const BPF_JGT = 0x20;
export const BPF_JGE = 0x30;
export const BPF_JSET = 0x40;
export const BPF_K = 0x00;
export const BPF_X = 0x08;
export const BPF_A = 0x10;
export const BPF_TAX = 0x00;
export const BPF_TXA = 0x80;

/** struct bpf_insn: code, jumps if true and if false, the constant. */
export type BpfInsn = readonly [code: number, jt: number, jf: number, k: number];

/** A statement, and a jump, of a filter. */
export function BPF_STMT(code: number, k: number): BpfInsn {
  return [code, 0, 0, k];
}
export function BPF_JUMP(code: number, k: number, jt: number, jf: number): BpfInsn {
  return [code, jt, jf, k];
}

/** The argument of BIOCSETF: struct bpf_program, and the instructions behind it. */
export function bpfProgram(insns: readonly BpfInsn[]): Uint8Array {
  const b = new Uint8Array(BPF_PROGRAM_LEN + BPF_INSN_LEN * insns.length);
  putU32le(b, 0, insns.length);
  for (const [i, [code, jt, jf, k]] of insns.entries()) {
    const at = BPF_PROGRAM_LEN + BPF_INSN_LEN * i;
    putU16le(b, at, code);
    b[at + 2] = jt;
    b[at + 3] = jf;
    putU32le(b, at + 4, k);
  }
  return b;
}

/** A packet that was read from the device. */
export interface BpfPacket {
  readonly sec: number;
  readonly usec: number;
  /** Its length on the wire. */
  readonly len: number;
  /** What was captured of it. */
  readonly data: Uint8Array;
}

/** The packets of a buffer that was read; what follows a record that is none is left out. */
export function bpfPackets(b: Uint8Array): BpfPacket[] {
  const packets: BpfPacket[] = [];
  for (let at = 0; at + BPF_HDR_LEN <= b.length; ) {
    const caplen = getU32le(b, at + 16);
    const start = at + getU16le(b, at + 24);
    if (start < at + BPF_HDR_LEN || start + caplen > b.length) break;
    packets.push({ sec: getU64le(b, at), usec: getU64le(b, at + 8), len: getU32le(b, at + 20), data: b.slice(start, start + caplen) });
    at = at + BPF_WORDALIGN(start - at + caplen);
  }
  return packets;
}
