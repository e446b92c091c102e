/** Pictures of a stack's graph: text for a terminal, SVG for a page. What stands higher requires what stands lower. */
import type { Graph, GraphNode } from './graph.js';

/** A tree from each leaf down; a component that was drawn before is named, and its own tree not repeated. */
export function drawText(graph: Graph): string {
  const below = requiredBy(graph);
  const seen = new Set<string>();
  const lines: string[] = [];
  const draw = (name: string, stem: string, branch: string): void => {
    const requires = below.get(name) ?? [];
    const again = seen.has(name) && requires.length > 0;
    lines.push(`${stem}${branch}${name}${again ? ' (above)' : ''}`);
    if (again) return;
    seen.add(name);
    const inner = branch === '' ? '' : `${stem}${branch === '└─ ' ? '   ' : '│  '}`;
    for (const [i, r] of requires.entries()) draw(r, inner, i === requires.length - 1 ? '└─ ' : '├─ ');
  };
  for (const n of graph.nodes) if (n.leaf) draw(n.name, '', '');
  return `${lines.join('\n')}\n`;
}

function requiredBy(graph: Graph): Map<string, string[]> {
  const below = new Map<string, string[]>();
  for (const e of graph.edges) below.set(e.from, [...(below.get(e.from) ?? []), e.to]);
  return below;
}

const BOX_HEIGHT = 34;
const ROW_HEIGHT = 84;
const CHAR_WIDTH = 8.4;
const GAP = 28;
const MARGIN = 24;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

/** An SVG document: a row a level, the base at the bottom, leaves with a heavy border. */
export function drawSvg(graph: Graph): string {
  const rows: GraphNode[][] = [];
  for (const n of graph.nodes) (rows[n.level] ??= []).push(n);
  const widthOf = (n: GraphNode): number => Math.ceil(n.name.length * CHAR_WIDTH) + 24;
  const rowWidth = (row: readonly GraphNode[]): number => row.reduce((w, n) => w + widthOf(n) + GAP, -GAP);
  const width = Math.max(0, ...rows.map(rowWidth)) + 2 * MARGIN;
  const height = Math.max(1, rows.length) * ROW_HEIGHT - (ROW_HEIGHT - BOX_HEIGHT) + 2 * MARGIN;

  const boxes = new Map<string, Box>();
  rows.forEach((row, level) => {
    let x = (width - rowWidth(row)) / 2;
    for (const n of row) {
      boxes.set(n.name, { x, y: height - MARGIN - BOX_HEIGHT - level * ROW_HEIGHT, width: widthOf(n) });
      x += widthOf(n) + GAP;
    }
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-monospace, monospace" font-size="14">`,
    ...graph.edges.map((e) => edge(boxes.get(e.from), boxes.get(e.to))),
    ...graph.nodes.map((n) => box(n, boxes.get(n.name))),
    '</svg>',
    '',
  ].join('\n');
}

function edge(from: Box | undefined, to: Box | undefined): string {
  if (from === undefined || to === undefined) return '';
  const [x1, y1, x2, y2] = [from.x + from.width / 2, from.y + BOX_HEIGHT, to.x + to.width / 2, to.y];
  const bend = (y2 - y1) / 2;
  return `<path d="M${x1} ${y1} C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}" fill="none" stroke="#8a94a6"/>`;
}

/** A fill for each class of component. */
const FILL: Readonly<Record<string, string>> = { base: '#dbe4ff', faction: '#d3f9d8', vfs: '#fff3bf', driver: '#ffe3e3', net: '#e5dbff' };

function box(n: GraphNode, b: Box | undefined): string {
  if (b === undefined) return '';
  return (
    `<rect x="${b.x}" y="${b.y}" width="${b.width}" height="${BOX_HEIGHT}" rx="6" fill="${FILL[n.class] ?? '#f1f3f5'}" stroke="#343a40" stroke-width="${n.leaf ? 2.5 : 1}"/>` +
    `<text x="${b.x + b.width / 2}" y="${b.y + 22}" text-anchor="middle" fill="#212529">${escapeXml(n.name)}</text>`
  );
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
