import { type Axis, evenAxis } from './axis.ts';
import { escaped } from './escaped.ts';

/** One contender's data in a plot. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** The axes of a plot, and what stands beside them. */
interface Axes {
  readonly x: Axis;
  readonly y: Axis;
  readonly xLabel: string;
  readonly yLabel: string;
}

/** So wide that its text can be read on a phone, where it takes the whole width. */
const WIDTH = 400;
const HEIGHT = 240;
const LEFT = 44;
const BOTTOM = 34;
/** The name of the y axis stands above the plot. */
const TOP = 22;
/** Half of the longest label of an x axis. */
const RIGHT = 18;
/** More dots than this say nothing more. */
const MOST_DOTS = 600;

/** A line for each series. */
export function lines(all: readonly Series[], axes: Axes): string {
  const paths = all
    .filter(({ points }) => points.length > 0)
    .map(({ name, colour, points }) => {
      const path = points.map((point, i) => `${i === 0 ? 'M' : 'L'}${place(point, axes).join(' ')}`).join('');
      return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2">${title(name)}</path>`;
    });
  return svg(axes, paths.join(''));
}

/** A dot for each point. */
export function scatter(all: readonly Series[], axes: Axes): string {
  const dots = all.map(({ name, colour, points }) => {
    const step = Math.ceil(points.length / MOST_DOTS);
    const some = points.filter((_, i) => i % step === 0).map((point) => place(point, axes));
    const circles = some.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="1.6"/>`);
    return `<g fill="${colour}" fill-opacity=".6">${title(name)}${circles.join('')}</g>`;
  });
  return svg(axes, dots.join(''));
}

/** A group of bars for each x from 0 up, a bar of it for each series. */
export function bars(all: readonly Series[], { xLabel, yLabel }: Pick<Axes, 'xLabel' | 'yLabel'>): string {
  const groups = Math.max(1, ...all.map(({ points }) => points.length));
  const y = evenAxis(all.flatMap(({ points }) => points.map(([, value]) => value)));
  const slot = (WIDTH - LEFT - RIGHT) / groups;
  const width = (slot * 0.8) / Math.max(1, all.length);
  const shapes = all.map(({ name, colour, points }, series) => {
    const rects = points.map(([x, value]) => {
      const top = yOf(value, y);
      const place = `x="${round(LEFT + x * slot + slot * 0.1 + series * width)}" y="${top}"`;
      return `<rect ${place} width="${round(width)}" height="${round(HEIGHT - BOTTOM - top)}"/>`;
    });
    return `<g fill="${colour}">${title(name)}${rects.join('')}</g>`;
  });
  // So many that they do not touch each other.
  const every = Math.ceil(groups / 16);
  const names = Array.from({ length: groups }, (_, i) =>
    i % every === 0 ? text(LEFT + (i + 0.5) * slot, HEIGHT - BOTTOM + 14, String(i)) : '',
  );
  return frame(`${yMarks(y)}${shapes.join('')}${names.join('')}${labels(xLabel, yLabel)}`);
}

function svg(axes: Axes, shapes: string): string {
  const xMarks = axes.x.ticks.map((x) => text(xOf(x, axes.x), HEIGHT - BOTTOM + 14, label(x))).join('');
  return frame(`${yMarks(axes.y)}${xMarks}${shapes}${labels(axes.xLabel, axes.yLabel)}`);
}

function labels(xLabel: string, yLabel: string): string {
  return text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 5, xLabel) + text(LEFT, TOP - 9, yLabel, 'start');
}

function yMarks(axis: Axis): string {
  return axis.ticks
    .map((tick) => {
      const at = yOf(tick, axis);
      return `<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" class="grid"/>${text(LEFT - 5, at + 4, label(tick), 'end')}`;
    })
    .join('');
}

function place([x, y]: readonly [number, number], axes: Axes): [number, number] {
  return [xOf(x, axes.x), yOf(y, axes.y)];
}

function xOf(x: number, axis: Axis): number {
  return round(LEFT + (WIDTH - LEFT - RIGHT) * axis.at(x));
}

function yOf(y: number, axis: Axis): number {
  return round(TOP + (HEIGHT - BOTTOM - TOP) * (1 - axis.at(y)));
}

function frame(content: string): string {
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">${content}</svg>`;
}

function title(name: string): string {
  return `<title>${escaped(name)}</title>`;
}

function text(x: number, y: number, content: string, anchor = 'middle'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${content}</text>`;
}

/** `20k` rather than `20000`: so it fits beside the axis. */
function label(value: number): string {
  const [number, unit] = value >= 10_000 ? [value / 1000, 'k'] : [value, ''];
  return `${Number(number.toPrecision(3))}${unit}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
