/** sysctl(8): the kernel's settings, shown and set. */
import type { SysctlValue } from '@anykernel/lib-sys';
import { hexdump } from '@anykernel/lib-bytes';
import type { Proc } from '@anykernel/rumpkern';
import { type Tool, ToolUsage, getopt } from './tool.js';

const USAGE = 'usage: sysctl [-n] [-w] name[=value] ...\n       sysctl -a';

export const sysctl: Tool = {
  name: 'sysctl',
  usage: USAGE,
  about: "show and set the kernel's settings",
  run(io, args) {
    const { options: o, rest } = getopt(USAGE, args, 'anw', '');
    if (o.has('a') !== (rest.length === 0)) throw new ToolUsage(USAGE);
    const show = (name: string, value: SysctlValue): void => io.out(o.has('n') ? valueText(value) : `${name} = ${valueText(value)}`);
    for (const word of o.has('a') ? [''] : rest) {
      const [name, text] = word.split(/=(.*)/s);
      if (text === undefined) walk(io.p, name, show);
      else {
        const before = io.p.sys.sysctl(name) as SysctlValue;
        io.p.sys.sysctl(name, parse(text, before));
        io.out(o.has('n') ? valueText(io.p.sys.sysctl(name) as SysctlValue) : `${name}: ${valueText(before)} -> ${valueText(io.p.sys.sysctl(name) as SysctlValue)}`);
      }
    }
    return Promise.resolve(0);
  },
};

/** A value, or all that is below an inner name. Values that need more of a name than there is are passed over. */
function walk(p: Proc, name: string, show: (name: string, value: SysctlValue) => void): void {
  const value = p.sys.sysctl(name) as SysctlValue;
  if (!Array.isArray(value)) {
    show(name, value);
    return;
  }
  for (const child of value as readonly string[]) {
    const full = name === '' ? child : `${name}.${child}`;
    try {
      walk(p, full, show);
    } catch (e) {
      if ((e as { code?: string }).code === undefined) throw e;
    }
  }
}

/** A value of the kind that the present one is. ToolUsage: it cannot be. */
function parse(text: string, like: SysctlValue): SysctlValue {
  if (typeof like === 'string') return text;
  if (typeof like === 'boolean') return text === '1' || text === 'true';
  const value = Number(text);
  if (typeof like !== 'number' || text.trim() === '' || Number.isNaN(value)) throw new ToolUsage(`${text}: not a value for it\n${USAGE}`);
  return value;
}

function valueText(value: SysctlValue): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (value instanceof Uint8Array) return `${value.length} bytes${value.length === 0 ? '' : `\n${hexdump(value.subarray(0, 64))}`}`;
  return typeof value === 'number' ? String(value) : String(value);
}
