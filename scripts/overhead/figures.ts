import type { Burst } from './burst.ts';
import type { Cost, Load } from './load.ts';
import { OURS, oursWithThreads, PAIR, SGLANG_ROUTER, SMG } from './programs.ts';

/** What a program costs, each figure the median of its runs. */
export interface Row {
  readonly name: string;
  readonly chat: Cost;
  readonly warm: Cost;
  readonly stream: Cost;
}

export interface Figures {
  readonly rows: ReadonlyMap<string, Row>;
  /** The stream without anything between. */
  readonly direct: Load;
  readonly bursts: readonly Burst[];
}

interface Target {
  readonly what: string;
  readonly limit: number;
  readonly value: (figures: Figures) => number | undefined;
}

/** Targets of the project, each a ratio or a bound within the same run. */
const TARGETS: readonly Target[] = [
  {
    what: 'CPU per chat ÷ sglang-router 0.3.2',
    limit: 0.7,
    value: ratio(OURS, SGLANG_ROUTER, ({ chat }) => chat.cpuUs),
  },
  { what: 'CPU per chat ÷ smg 1.13.0', limit: 0.5, value: ratio(OURS, SMG, ({ chat }) => chat.cpuUs) },
  {
    what: 'CPU per warm chat ÷ sglang-router',
    limit: 0.55,
    value: ratio(OURS, SGLANG_ROUTER, ({ warm }) => warm.cpuUs),
  },
  {
    what: 'CPU per stream ÷ sglang-router 0.3.2',
    limit: 1,
    value: ratio(OURS, SGLANG_ROUTER, ({ stream }) => stream.cpuUs),
  },
  {
    what: 'CPU per chat, 4 threads ÷ one',
    limit: 1.3,
    value: ratio(oursWithThreads(4), OURS, ({ chat }) => chat.cpuUs),
  },
  {
    what: 'CPU per stream, 4 threads ÷ one',
    limit: 1.15,
    value: ratio(oursWithThreads(4), OURS, ({ stream }) => stream.cpuUs),
  },
  { what: 'CPU per chat, pair ÷ one worker', limit: 2.2, value: ratio(PAIR, OURS, ({ chat }) => chat.cpuUs) },
  { what: 'CPU per stream, pair ÷ one worker', limit: 2.2, value: ratio(PAIR, OURS, ({ stream }) => stream.cpuUs) },
  {
    what: 'first token p50 over direct, ms',
    limit: 1,
    value: ({ rows, direct }) => ofOurs(rows, ({ stream }) => stream.firstTokenMs - direct.firstTokenMs),
  },
  { what: 'RSS after the run, MB', limit: 110, value: ({ rows }) => ofOurs(rows, mostRssMb) },
  { what: 'start to first answer, ms', limit: 400, value: ({ rows }) => ofOurs(rows, startMs) },
  { what: 'burst of 1,024: TTFT p90 ÷ smg', limit: 1.1, value: burstRatio(({ ttftP90Ms }) => ttftP90Ms) },
  { what: 'burst of 1,024: makespan ÷ smg', limit: 0.85, value: burstRatio(({ makespanSecs }) => makespanSecs) },
];

const HEADINGS = [
  ...['program', 'CPU µs per chat (2 KB, c=32)', 'warm', 'CPU µs per 64-token stream (5 ms, c=64)'],
  ...['first token p50, ms', 'RSS, MB', 'start → first answer, ms', 'longest pause, ms', 'failed'],
];

export function tableOf({ rows, direct }: Figures): string {
  const lines = [HEADINGS, HEADINGS.map(() => '---')];
  lines.push(['no router', '–', '–', '–', cell(direct.firstTokenMs, 2), '–', '–', '–', cell(direct.bad)]);
  for (const row of rows.values()) {
    const { name, chat, warm, stream } = row;
    const costs = [chat, warm, stream];
    const pauses = costs.flatMap(({ pauseMs }) => pauseMs ?? []);
    lines.push([
      ...[name, ...costs.map(({ cpuUs }) => cell(cpuUs)), cell(stream.firstTokenMs, 2), cell(mostRssMb(row))],
      ...[cell(startMs(row)), pauses.length > 0 ? `≤ ${Math.max(...pauses)}` : '–'],
      cell(costs.reduce((sum, { bad }) => sum + bad, 0)),
    ]);
  }
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function burstTableOf({ bursts }: Figures): string {
  const lines = ['| 1,024 connections at once | TTFT p90, ms | makespan, s | errors |', '|---|---|---|---|'];
  for (const { name, ttftP90Ms, makespanSecs, errors } of bursts)
    lines.push(`| ${name} | ${cell(ttftP90Ms)} | ${cell(makespanSecs, 1)} | ${errors} |`);
  return lines.join('\n');
}

export function verdictsOf(figures: Figures): string {
  return TARGETS.map(({ what, limit, value }) => {
    const measured = value(figures);
    const verdict =
      measured === undefined ? 'not measured' : `${measured.toFixed(2)}  ${measured <= limit ? 'met' : 'MISSED'}`;
    return `${what.padEnd(40)} ≤ ${String(limit).padEnd(5)} ${verdict}`;
  }).join('\n');
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

function ofOurs(rows: Figures['rows'], pick: (row: Row) => number): number | undefined {
  const row = rows.get(OURS);
  return row && pick(row);
}

function ratio(one: string, other: string, pick: (row: Row) => number): Target['value'] {
  return ({ rows }) => {
    const [own, peer] = [rows.get(one), rows.get(other)];
    return own && peer && pick(own) / pick(peer);
  };
}

function burstRatio(pick: (burst: Burst) => number): Target['value'] {
  return ({ bursts }) => {
    const peer = bursts.find(({ name }) => name === SMG);
    const own = bursts.find(({ name }) => name !== SMG);
    return own && peer && pick(own) / pick(peer);
  };
}

function mostRssMb({ chat, warm, stream }: Row): number {
  return Math.max(chat.rssMb, warm.rssMb, stream.rssMb);
}

function startMs({ chat, warm, stream }: Row): number {
  return Math.min(chat.startMs, warm.startMs, stream.startMs);
}

function cell(value: number, digits = 0): string {
  return value.toFixed(digits);
}
