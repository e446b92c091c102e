/** Graphs: what is in a stack, why, and how it is drawn. */
import { describe, expect, test } from '@jest/globals';
import { ext2fs } from '@anykernel/ext2fs';
import { type AnyComponent, component } from '@anykernel/lib-component';
import { drawSvg, drawText, graphOf, why } from '@anykernel/stack-compose';
import { tmpfs } from '@anykernel/tmpfs';

function part(name: string, requires: readonly AnyComponent[] = [], provides: readonly string[] = []): AnyComponent {
  return component({ name, class: 'misc', requires, provides, attach: () => undefined });
}

const base = part('base');
const left = part('left', [base]);
const right = part('right', [base]);
const top = part('top', [left, right]);

describe('graphOf', () => {
  test('has the closure in attach order, and the level of each', () => {
    const g = graphOf([top]);
    expect(g.nodes.map((n) => [n.name, n.level, n.leaf])).toEqual([
      ['base', 0, false],
      ['left', 1, false],
      ['right', 1, false],
      ['top', 2, true],
    ]);
    expect(g.edges).toContainEqual({ from: 'top', to: 'right' });
  });

  test('of the real ones: what is required comes first', () => {
    const names = graphOf([ext2fs, tmpfs]).nodes.map((n) => n.name);
    expect(names[0]).toBe('rumpkern');
    expect(names.indexOf('rumpvfs')).toBeLessThan(names.indexOf('ext2fs'));
    expect(names).toContain('tmpfs');
    expect(new Set(names).size).toBe(names.length);
  });

  test('what does not fit together is said by name', () => {
    expect(() => graphOf([part('one', [], ['PF_INET']), part('two', [], ['PF_INET'])])).toThrow(/one and two both provide PF_INET/);
  });
});

describe('why', () => {
  test('gives every way down, the shortest first', () => {
    const g = graphOf([top, right]);
    expect(why(g, 'base')).toEqual([
      ['right', 'base'],
      ['top', 'left', 'base'],
      ['top', 'right', 'base'],
    ]);
    expect(why(g, 'top')).toEqual([['top']]);
    expect(why(g, 'absent')).toEqual([]);
  });
});

describe('pictures', () => {
  test('text: a tree from each leaf, no subtree twice', () => {
    expect(drawText(graphOf([top]))).toBe(['top', '├─ left', '│  └─ base', '└─ right', '   └─ base', ''].join('\n'));
    expect(drawText(graphOf([top, left]))).toContain('left (above)');
  });

  test('svg: a box for each component and a line for each edge', () => {
    const svg = drawSvg(graphOf([top]));
    expect(svg.match(/<rect /g)).toHaveLength(4);
    expect(svg.match(/<path /g)).toHaveLength(4);
    expect(svg).toMatch(/^<svg xmlns=.*<\/svg>\n$/s);
  });

  test('svg: a name is text, whatever is in it', () => {
    const svg = drawSvg(graphOf([part('<script>&"')]));
    expect(svg).not.toContain('<script>');
    expect(svg).toContain('&#60;script&#62;&#38;&#34;');
  });
});
