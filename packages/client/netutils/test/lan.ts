/** A network for the tests: hosts on buses, in virtual time, each with a way to run tools. */
import { Sim } from '@anykernel/host-sim';
import type { AnyComponent } from '@anykernel/lib-component';
import { netinet } from '@anykernel/netinet';
import { type ToolIo, runTool } from '@anykernel/netutils';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { shmif } from '@anykernel/shmif';

export class Lan {
  readonly sim = new Sim();
  readonly hosts: Host[] = [];

  host(components: readonly AnyComponent[] = [netinet]): Host {
    const host = new Host(this, boot(this.sim.host(), [...components, shmif]));
    this.hosts.push(host);
    return host;
  }

  /** Lets time pass until it has ended. */
  done<T>(what: Promise<T>): Promise<T> {
    return this.sim.settle(what, { maxEvents: 50_000 });
  }

  halt(): void {
    for (const host of this.hosts) host.k.halt();
  }
}

export class Host {
  readonly p: Proc;

  constructor(
    readonly lan: Lan,
    readonly k: Kernel,
  ) {
    this.p = k.newproc();
  }

  /** Runs a tool by a line of words: its lines and its status. */
  async run(line: string, more: Partial<ToolIo> = {}): Promise<{ out: string[]; err: string[]; status: number }> {
    const out: string[] = [];
    const err: string[] = [];
    const io: ToolIo = { p: this.p, out: (text) => void out.push(text), err: (text) => void err.push(text), ...more };
    const status = await this.lan.done(runTool(io, line.split(' ')));
    return { out, err, status };
  }

  /** The same, where it has to go well. */
  async must(line: string, more: Partial<ToolIo> = {}): Promise<string[]> {
    const { out, err, status } = await this.run(line, more);
    if (status !== 0) throw new Error(`${line}: status ${status}: ${[...out, ...err].join('\n')}`);
    return out;
  }
}

/** a -- router -- b: 10.0.1.1, 10.0.1.254 and 10.0.2.254, 10.0.2.2. */
export async function routed(): Promise<{ lan: Lan; a: Host; router: Host; b: Host }> {
  const lan = new Lan();
  const [a, router, b] = [lan.host(), lan.host(), lan.host()];
  await a.must('ifconfig shmif0 create linkstr left inet 10.0.1.1/24');
  await router.must('ifconfig shmif0 create linkstr left inet 10.0.1.254/24');
  await router.must('ifconfig shmif1 create linkstr right inet 10.0.2.254/24');
  await b.must('ifconfig shmif0 create linkstr right inet 10.0.2.2/24');
  await a.must('route add default 10.0.1.254');
  await b.must('route add -net 10.0.1.0/24 10.0.2.254');
  return { lan, a, router, b };
}
