/** Where the blocks of a journal are on the device: its file's runs, in order. */
export class JournalPlace {
  /** Blocks. */
  readonly count: number;
  readonly #starts: number[] = [];
  readonly #blknos: number[] = [];

  /** `runs`: device block and count, one after another from the journal's block 0 on. */
  constructor(
    /** Bytes of a block. */
    readonly bsize: number,
    runs: readonly (readonly [blkno: number, count: number])[],
  ) {
    let at = 0;
    for (const [blkno, count] of runs) {
      this.#starts.push(at);
      this.#blknos.push(blkno);
      at += count;
    }
    this.count = at;
  }

  /** The byte of the device at which block `i` of the journal is. */
  off(i: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const mid = (low + high + 1) >> 1;
      if (this.#starts[mid]! <= i) low = mid;
      else high = mid - 1;
    }
    return (this.#blknos[low]! + i - this.#starts[low]!) * this.bsize;
  }
}
