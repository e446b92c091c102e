/**
 * Filters of tcpdump's kind as programs for bpf(4): a protocol, addresses and ports, all of which have to hold.
 *
 * Jumps are forwards, to the end of a condition or to the refusal: they are counted once all instructions are there.
 */
import {
  BPF_ABS, BPF_ALU, BPF_AND, BPF_B, BPF_H, BPF_IND, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_LDX, BPF_MSH, BPF_RET, BPF_W, type BpfInsn, DLT_EN10MB, DLT_NULL,
  inet6Parse, inetParse,
} from '@anykernel/lib-sys';
import { getU32be } from '@anykernel/lib-bytes';
import { ETHERTYPE_ARP, ETHERTYPE_IP, ETHERTYPE_IPV6 } from '@anykernel/lib-wire';

type Label = 'next' | 'here' | 'fail';
interface Insn {
  readonly code: number;
  readonly k: number;
  /** Where it goes on if the comparison holds, and if not; `here`: the next instruction. */
  readonly yes: Label;
  readonly no: Label;
  /** The number of its condition: `next` is the first instruction of the one after. */
  readonly condition: number;
}

const V4 = new Map([['icmp', 1], ['tcp', 6], ['udp', 17]]);
const V6 = new Map([['icmp6', 58], ['tcp', 6], ['udp', 17]]);

/** Instructions that want `snaplen` bytes of a packet for which all words hold; undefined: the words are no filter. */
export function compileFilter(words: readonly string[], dlt: number, snaplen: number): readonly BpfInsn[] | undefined {
  const asm = new Assembler(dlt);
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === 'and') continue;
    const argument = word === 'host' || word === 'port' ? (words[++i] ?? '') : '';
    if (!asm.condition(word, argument)) return undefined;
  }
  return asm.program(snaplen);
}

class Assembler {
  readonly #insns: Insn[] = [];
  readonly #link: number;
  readonly #ether: boolean;
  #condition = 0;

  constructor(dlt: number) {
    this.#ether = dlt === DLT_EN10MB;
    this.#link = this.#ether ? 14 : dlt === DLT_NULL ? 4 : 0;
  }

  /** False: no such condition. */
  condition(word: string, argument: string): boolean {
    const done = this.#one(word, argument);
    this.#condition++;
    return done;
  }

  #one(word: string, argument: string): boolean {
    if (word === 'host') return this.#host(argument);
    if (word === 'port') return this.#port(argument);
    if (word === 'ip' || word === 'ip6') this.#family(word, 'next', 'fail');
    else if (word === 'arp') {
      if (this.#ether) this.#type(ETHERTYPE_ARP, 'next', 'fail');
      else this.#put(BPF_JMP | BPF_JSET | BPF_K, 0, 'fail', 'fail');
    } else return this.#protocol(word);
    return true;
  }

  #put(code: number, k: number, yes: Label = 'here', no: Label = 'here'): void {
    this.#insns.push({ code, k, yes, no, condition: this.#condition });
  }

  #type(type: number, yes: Label, no: Label): void {
    this.#put(BPF_LD | BPF_H | BPF_ABS, 12);
    this.#put(BPF_JMP | BPF_JEQ | BPF_K, type, yes, no);
  }

  #family(word: 'ip' | 'ip6', yes: Label, no: Label): void {
    if (this.#ether) {
      this.#type(word === 'ip' ? ETHERTYPE_IP : ETHERTYPE_IPV6, yes, no);
      return;
    }
    this.#put(BPF_LD | BPF_B | BPF_ABS, this.#link);
    this.#put(BPF_ALU | BPF_AND | BPF_K, 0xf0);
    this.#put(BPF_JMP | BPF_JEQ | BPF_K, word === 'ip' ? 0x40 : 0x60, yes, no);
  }

  /** A transport protocol: the byte for it is looked at in both families, where it is of both. */
  #protocol(word: string): boolean {
    const [four, six] = [V4.get(word), V6.get(word)];
    if (four === undefined && six === undefined) return false;
    // The protocol stands at 9 with IPv4, at 6 with IPv6.
    if (four !== undefined && six !== undefined) this.#both(four);
    else {
      this.#family(four !== undefined ? 'ip' : 'ip6', 'here', 'fail');
      this.#put(BPF_LD | BPF_B | BPF_ABS, this.#link + (four !== undefined ? 9 : 6));
      this.#put(BPF_JMP | BPF_JEQ | BPF_K, (four ?? six) as number, 'next', 'fail');
    }
    return true;
  }

  #both(protocol: number): void {
    this.#families(2);
    this.#put(BPF_LD | BPF_B | BPF_ABS, this.#link + 9);
    this.#put(BPF_JMP | BPF_JEQ | BPF_K, protocol, 'next', 'fail');
    this.#put(BPF_LD | BPF_B | BPF_ABS, this.#link + 6);
    this.#put(BPF_JMP | BPF_JEQ | BPF_K, protocol, 'next', 'fail');
  }

  /** What follows is for IPv4; behind its `count` instructions comes IPv6. */
  #families(count: number): void {
    if (this.#ether) this.#put(BPF_LD | BPF_H | BPF_ABS, 12);
    else {
      this.#put(BPF_LD | BPF_B | BPF_ABS, this.#link);
      this.#put(BPF_ALU | BPF_AND | BPF_K, 0xf0);
    }
    this.#skip(BPF_JMP | BPF_JEQ | BPF_K, this.#ether ? ETHERTYPE_IPV6 : 0x60, count + 1);
    this.#put(BPF_JMP | BPF_JEQ | BPF_K, this.#ether ? ETHERTYPE_IP : 0x40, 'here', 'fail');
  }

  readonly #skips = new Map<number, number>();

  /** If the comparison holds, `count` instructions are left out. */
  #skip(code: number, k: number, count: number): void {
    this.#skips.set(this.#insns.length, count);
    this.#put(code, k);
  }

  #host(text: string): boolean {
    const four = inetParse(text);
    const six = four === undefined ? inet6Parse(text) : undefined;
    if (four !== undefined) {
      this.#family('ip', 'here', 'fail');
      this.#put(BPF_LD | BPF_W | BPF_ABS, this.#link + 12);
      this.#put(BPF_JMP | BPF_JEQ | BPF_K, four, 'next', 'here');
      this.#put(BPF_LD | BPF_W | BPF_ABS, this.#link + 16);
      this.#put(BPF_JMP | BPF_JEQ | BPF_K, four, 'next', 'fail');
      return true;
    }
    if (six === undefined) return false;
    this.#family('ip6', 'here', 'fail');
    // Of the source each word has to match; the first that does not goes on to the destination.
    for (let i = 0; i < 4; i++) {
      this.#put(BPF_LD | BPF_W | BPF_ABS, this.#link + 8 + 4 * i);
      if (i < 3) this.#skip(BPF_JMP | BPF_JEQ | BPF_K | NOT, getU32be(six, 4 * i), 2 * (3 - i));
      else this.#put(BPF_JMP | BPF_JEQ | BPF_K, getU32be(six, 4 * i), 'next', 'here');
    }
    for (let i = 0; i < 4; i++) {
      this.#put(BPF_LD | BPF_W | BPF_ABS, this.#link + 24 + 4 * i);
      this.#put(BPF_JMP | BPF_JEQ | BPF_K, getU32be(six, 4 * i), i < 3 ? 'here' : 'next', 'fail');
    }
    return true;
  }

  #port(text: string): boolean {
    const port = Number(text);
    if (text === '' || !Number.isInteger(port) || port < 0 || port > 0xffff) return false;
    this.#families(7);
    // A piece that is not the first of its packet has no ports.
    this.#put(BPF_LD | BPF_H | BPF_ABS, this.#link + 6);
    this.#put(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 'fail', 'here');
    this.#put(BPF_LDX | BPF_B | BPF_MSH, this.#link);
    this.#put(BPF_LD | BPF_H | BPF_IND, this.#link);
    this.#put(BPF_JMP | BPF_JEQ | BPF_K, port, 'next', 'here');
    this.#put(BPF_LD | BPF_H | BPF_IND, this.#link + 2);
    this.#put(BPF_JMP | BPF_JEQ | BPF_K, port, 'next', 'fail');
    this.#put(BPF_LD | BPF_H | BPF_ABS, this.#link + 40);
    this.#put(BPF_JMP | BPF_JEQ | BPF_K, port, 'next', 'here');
    this.#put(BPF_LD | BPF_H | BPF_ABS, this.#link + 42);
    this.#put(BPF_JMP | BPF_JEQ | BPF_K, port, 'next', 'fail');
    return true;
  }

  program(snaplen: number): BpfInsn[] {
    const all = this.#insns;
    const accept = all.length;
    const target = (at: number, label: Label, condition: number): number => {
      if (label === 'fail') return accept + 1 - at - 1;
      if (label === 'here') return 0;
      const next = all.findIndex((insn) => insn.condition > condition);
      return (next < 0 ? accept : next) - at - 1;
    };
    const program = all.map(({ code, k, yes, no, condition }, at): BpfInsn => {
      if ((code & 7) !== BPF_JMP) return [code, 0, 0, k];
      const skip = this.#skips.get(at);
      if (skip !== undefined) return (code & NOT) !== 0 ? [code & ~NOT, 0, skip, k] : [code, skip, 0, k];
      return [code, target(at, yes, condition), target(at, no, condition), k];
    });
    return [...program, [BPF_RET | BPF_K, 0, 0, snaplen], [BPF_RET | BPF_K, 0, 0, 0]];
  }
}

/** A skip if the comparison does not hold: no bit of any code. */
const NOT = 0x8000;
