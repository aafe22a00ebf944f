/** One contender's data in a plot. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const WIDTH = 520;
const HEIGHT = 260;
const LEFT = 48;
const BOTTOM = 36;
/** The name of the y axis stands above the plot. */
const TOP = 20;
/** Half of the longest label of an x axis. */
const RIGHT = 20;
const TICKS = 5;
/** More dots than this say nothing more. */
const MOST_DOTS = 600;

/** A line for each series. */
export function lines(all: readonly Series[], xLabel: string, yLabel: string): string {
  const scale = scaleOf(all);
  const paths = all
    .filter(({ points }) => points.length > 0)
    .map(({ colour, points }) => {
      const path = points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${scale.x(x)} ${scale.y(y)}`).join('');
      return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`;
    });
  return svg(scale, xLabel, yLabel, paths.join(''));
}

/** A dot for each point. */
export function scatter(all: readonly Series[], xLabel: string, yLabel: string): string {
  const scale = scaleOf(all);
  const dots = all.flatMap(({ colour, points }) => {
    const step = Math.ceil(points.length / MOST_DOTS);
    const some = points.filter((_, i) => i % step === 0);
    return some.map(
      ([x, y]) => `<circle cx="${scale.x(x)}" cy="${scale.y(y)}" r="1.6" fill="${colour}" fill-opacity=".6"/>`,
    );
  });
  return svg(scale, xLabel, yLabel, dots.join(''));
}

/** A group of bars for each x, a bar of it for each series. */
export function bars(all: readonly Series[], xLabel: string): string {
  const groups = Math.max(1, ...all.map(({ points }) => points.length));
  const most = niceMax(Math.max(1, ...all.flatMap(({ points }) => points.map(([, y]) => y))));
  const slot = (WIDTH - LEFT - RIGHT) / groups;
  const width = (slot * 0.8) / Math.max(1, all.length);
  const scale = { ...scaleOf([]), yMax: most, y: (y: number) => round(TOP + (HEIGHT - BOTTOM - TOP) * (1 - y / most)) };
  const shapes = all.flatMap(({ colour, points }, series) =>
    points.map(([x, y]) => {
      const left = round(LEFT + x * slot + slot * 0.1 + series * width);
      const top = scale.y(y);
      return `<rect x="${left}" y="${top}" width="${round(width)}" height="${round(HEIGHT - BOTTOM - top)}" fill="${colour}"/>`;
    }),
  );
  const names = Array.from({ length: groups }, (_, i) =>
    text(LEFT + (i + 0.5) * slot, HEIGHT - BOTTOM + 14, String(i)),
  );
  return frame(`${yAxis(scale)}${shapes.join('')}${names.join('')}${text(WIDTH / 2, HEIGHT - 4, xLabel)}`);
}

interface Scale {
  readonly xMax: number;
  readonly yMax: number;
  readonly x: (x: number) => number;
  readonly y: (y: number) => number;
}

/** Both axes begin at 0. */
function scaleOf(all: readonly Series[]): Scale {
  const points = all.flatMap((series) => series.points);
  const xMax = niceMax(points.reduce((most, [x]) => Math.max(most, x), 0));
  const yMax = niceMax(points.reduce((most, [, y]) => Math.max(most, y), 0));
  return {
    xMax,
    yMax,
    x: (x) => round(LEFT + ((WIDTH - LEFT - RIGHT) * x) / xMax),
    y: (y) => round(TOP + (HEIGHT - BOTTOM - TOP) * (1 - y / yMax)),
  };
}

/** The next of 1, 2, 2.5, 5 and 10 times a power of ten. */
function niceMax(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= value) ?? 10) * power;
}

function svg(scale: Scale, xLabel: string, yLabel: string, shapes: string): string {
  const xTicks = Array.from({ length: TICKS + 1 }, (_, i) => (scale.xMax * i) / TICKS);
  const xAxis = xTicks.map((x) => text(scale.x(x), HEIGHT - BOTTOM + 14, label(x))).join('');
  const labels = text(WIDTH / 2, HEIGHT - 4, xLabel) + text(LEFT, TOP - 8, yLabel, 'start');
  return frame(`${yAxis(scale)}${xAxis}${shapes}${labels}`);
}

function yAxis({ yMax, y }: Pick<Scale, 'yMax' | 'y'>): string {
  const ticks = Array.from({ length: TICKS + 1 }, (_, i) => (yMax * i) / TICKS);
  return ticks
    .map((tick) => {
      const at = y(tick);
      return `<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" stroke="#d1d9e0"/>${text(LEFT - 4, at + 4, label(tick), 'end')}`;
    })
    .join('');
}

function frame(content: string): string {
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}">${content}</svg>`;
}

function text(x: number, y: number, content: string, anchor = 'middle'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${content}</text>`;
}

function label(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
