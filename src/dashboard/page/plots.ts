import type uPlot from 'uplot';
import { count, duration } from '../format.ts';
import type { Snapshot } from '../snapshot.ts';
import { byId } from './dom.ts';

const probe = document.body.appendChild(document.createElement('span'));
probe.hidden = true;
/** Five minutes, a point a second. */
const POINTS = 300;
const HEIGHT = 180;

interface Line {
  readonly label: string;
  /** A variable of page.css. */
  readonly colour: string;
  /** Lines are told apart without colour too. */
  readonly dash?: number[];
  readonly value: (snapshot: Snapshot) => number | null;
}

const RATE: readonly Line[] = [
  { label: 'requests', colour: '--line-1', value: ({ lastSecond }) => lastSecond?.requestsPerSec ?? null },
  { label: 'errors', colour: '--line-2', dash: [4, 4], value: ({ lastSecond }) => lastSecond?.errorsPerSec ?? null },
];
const LATENCY: readonly Line[] = [
  {
    label: 'first token p50',
    colour: '--line-3',
    dash: [2, 3],
    value: ({ lastSecond }) => lastSecond?.ttftMs.p50 ?? null,
  },
  { label: 'whole p50', colour: '--line-1', value: ({ lastSecond }) => lastSecond?.latencyMs.p50 ?? null },
  {
    label: 'whole p99',
    colour: '--line-2',
    dash: [8, 4],
    value: ({ lastSecond }) => lastSecond?.latencyMs.p99 ?? null,
  },
];

type Draw = typeof uPlot;

/** The plots, which begin when the page is opened. What draws them is loaded after the first figures are shown. */
export class Plots {
  readonly #plots = [
    new Plot(byId('rate-plot'), { title: 'Requests a second', lines: RATE, text: count, least: 1 }),
    new Plot(byId('latency-plot'), { title: 'Time of a request', lines: LATENCY, text: duration, least: 10 }),
  ];
  #loading: Promise<void> | undefined;

  add(snapshot: Snapshot): void {
    for (const plot of this.#plots) plot.add(snapshot);
    this.#loading ??= this.#load().catch(() => {
      this.#loading = undefined;
    });
  }

  async #load(): Promise<void> {
    const { default: draw } = await import('uplot');
    for (const plot of this.#plots) plot.begin(draw);
  }

  /** The colours are others. */
  redraw(): void {
    for (const plot of this.#plots) plot.redraw();
  }
}

interface PlotOptions {
  readonly title: string;
  readonly lines: readonly Line[];
  /** A value as it is written. */
  readonly text: (value: number | null) => string;
  /** The axis reaches so far at least. */
  readonly least: number;
}

class Plot {
  readonly #place: HTMLElement;
  readonly #title: string;
  readonly #lines: readonly Line[];
  readonly #text: PlotOptions['text'];
  readonly #least: number;
  readonly #data: (number | null)[][];
  #make: Draw | undefined;
  #plot: uPlot | undefined;

  constructor(place: HTMLElement, { title, lines, text, least }: PlotOptions) {
    this.#place = place;
    this.#title = title;
    this.#lines = lines;
    this.#text = text;
    this.#least = least;
    this.#data = [[], ...lines.map(() => [])];
    place.setAttribute('role', 'img');
  }

  begin(make: Draw): void {
    this.#make = make;
    this.redraw();
    new ResizeObserver(() => this.#fit()).observe(this.#place);
  }

  add(snapshot: Snapshot): void {
    const values = [Date.parse(snapshot.time) / 1000, ...this.#lines.map(({ value }) => value(snapshot))];
    for (const [at, column] of this.#data.entries()) {
      column.push(values[at]!);
      if (column.length > POINTS) column.shift();
    }
    this.#fit();
    this.#plot?.setData(this.#data as uPlot.AlignedData);
    const now = this.#lines.map(({ label }, at) => `${label} ${this.#text(values[at + 1]!)}`);
    this.#place.setAttribute('aria-label', `${this.#title}: ${now.join(', ')}`);
  }

  /** Its legend has the colours that it was made with. */
  redraw(): void {
    if (!this.#make) return;
    this.#plot?.destroy();
    this.#plot = new this.#make(this.#options(), this.#data as uPlot.AlignedData, this.#place);
    this.#fit();
  }

  #fit(): void {
    const width = this.#place.clientWidth;
    if (this.#plot && width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT });
  }

  #options(): uPlot.Options {
    const axis = {
      stroke: () => colour('--quiet'),
      grid: { stroke: () => colour('--rule'), width: 1 },
      ticks: { show: false },
    };
    return {
      width: 400,
      height: HEIGHT,
      cursor: { drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: (_, __, last) => [last - POINTS, last] },
        y: { range: (_, __, most) => [0, Math.max(most ?? 0, this.#least) * 1.1] },
      },
      axes: [
        { ...axis, space: 80, values: (_, ticks) => ticks.map(clock) },
        { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => this.#text(tick)) },
      ],
      legend: { markers: { width: 2, dash: (_, at) => (this.#lines[at - 1]?.dash ? 'dashed' : 'solid') } },
      series: [
        { label: 'at', value: (_, secs) => (secs === null ? '' : clock(secs)) },
        ...this.#lines.map(({ label, colour: name, dash }) => ({
          label,
          stroke: () => colour(name),
          width: 2,
          ...(dash && { dash }),
          // A second between two without requests has no line.
          points: { show: true, size: 4 },
          value: (_: uPlot, value: number | null) => this.#text(value),
        })),
      ],
    };
  }
}

function clock(unixSecs: number): string {
  return new Date(unixSecs * 1000).toLocaleTimeString(undefined, { hour12: false });
}

function colour(variable: string): string {
  // Of an element, as `light-dark()` is resolved only where it is used.
  probe.style.color = `var(${variable})`;
  return getComputedStyle(probe).color;
}
