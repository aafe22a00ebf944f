import { colour, SHADES } from '../../src/bench/html-style.ts';

/** What one workload took, as docs/benchmarks.md has it: with cache_aware, the best of the other routers, and round_robin. */
interface Row {
  readonly workload: string;
  readonly makespan: readonly [own: number, best: number, roundRobin: number];
  readonly firstToken: readonly [own: number, best: number, roundRobin: number];
}

const PANELS = [
  { title: 'first token (90 % were faster)', of: ({ firstToken }: Row) => firstToken },
  { title: 'the whole workload', of: ({ makespan }: Row) => makespan },
] as const;
const TICKS = [0.5, 1, 2, 5, 10];
const [LEAST, MOST] = [0.4, 14];

const NAMES_WIDTH = 150;
const PANEL_WIDTH = 360;
const GAP = 30;
const TOP = 84;
const ROW_HEIGHT = 24;

/** Times by workload beside the best of the other routers, which is 1: the table of measurements as a picture, for light and dark pages. */
export function comparisonSvg(benchmarks: string): string {
  const rows = rowsOf(benchmarks);
  const width = NAMES_WIDTH + PANELS.length * (PANEL_WIDTH + GAP);
  const height = TOP + rows.length * ROW_HEIGHT + 40;
  const names = rows.map(({ workload }, at) => text(NAMES_WIDTH - 14, yOf(at) + 4, workload, 'end', 'name'));
  const panels = PANELS.map(({ title, of }, at) => panel(title, rows.map(of), NAMES_WIDTH + at * (PANEL_WIDTH + GAP)));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}">
<title>Times beside the best of the other routers</title>
<style>${SHADES} text{font:12px system-ui,sans-serif;fill:var(--soft)} .name,.title{font-size:13px;fill:var(--text)} .title{font-weight:600}
.grid{stroke:var(--line)} .one{stroke:var(--soft);stroke-width:1.5}</style>
${key()}
${[...names, ...panels].join('\n')}
</svg>
`;
}

/** The rows of the table below "Measured". */
function rowsOf(benchmarks: string): readonly Row[] {
  const [, section = ''] = /^## Measured\n(.*?)^## /ms.exec(benchmarks) ?? [];
  return [...section.matchAll(/^\| `([\w-]+)` \|(.*)\|$/gm)].map(([, workload = '', cells = '']) => {
    const numbers = cells.split('|').map((cell) => Number.parseFloat(cell.replaceAll('*', '')));
    const [own = 0, best = 0, roundRobin = 0, , , , first = 0, bestFirst = 0, firstRoundRobin = 0] = numbers;
    return { workload, makespan: [own, best, roundRobin], firstToken: [first, bestFirst, firstRoundRobin] };
  });
}

function panel(title: string, values: readonly Row['makespan'][], left: number): string {
  const bottom = yOf(values.length) - ROW_HEIGHT / 2;
  const x = (ratio: number) => round(left + (PANEL_WIDTH * Math.log(ratio / LEAST)) / Math.log(MOST / LEAST));
  const grid = TICKS.map(
    (tick) =>
      `<path d="M${x(tick)} ${TOP - 12}V${bottom}" class="${tick === 1 ? 'one' : 'grid'}"/>${text(x(tick), bottom + 16, `${tick} ×`)}`,
  );
  const dots = values.map(([own, best, roundRobin], at) => {
    const dot = (ratio: number, series: number, radius: number) =>
      `<circle cx="${x(ratio)}" cy="${yOf(at)}" r="${radius}" fill="${colour(series)}"/>`;
    return dot(roundRobin / best, 5, 4) + dot(own / best, 0, 6);
  });
  return `${text(left, TOP - 24, title, 'start', 'title')}${grid.join('')}${dots.join('')}`;
}

function key(): string {
  const dot = (x: number, series: number) => `<circle cx="${x}" cy="16" r="6" fill="${colour(series)}"/>`;
  return `${dot(10, 0)}${text(22, 20, 'cache_aware', 'start', 'name')}${dot(124, 5)}${text(136, 20, 'round_robin', 'start', 'name')}
<path d="M240 6V26" class="one"/>${text(250, 20, 'the best of sglang-router 0.3.2, smg 1.13.0, vllm-router 0.1.17 and nginx; further left is faster', 'start', 'name')}`;
}

function text(x: number, y: number, content: string, anchor = 'middle', kind = 'tick'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" class="${kind}">${content}</text>`;
}

function yOf(row: number): number {
  return TOP + (row + 0.5) * ROW_HEIGHT;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
