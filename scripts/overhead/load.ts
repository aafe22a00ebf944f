import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../../src/bench/program.ts';
import { cpuSecs } from '../chaos/gauges.ts';
import { CACHE, INSTRUMENTS, type Program } from './programs.ts';

/** What the load generator says of one run. */
export interface Load {
  readonly cpuUs: number;
  readonly firstTokenMs: number;
  readonly rssMb: number;
  readonly bad: number;
}

/** What one kind of load costs a program. */
export interface Cost extends Load {
  readonly startMs: number;
  /** At most so long its event loop stood still; undefined where it does not tell. */
  readonly pauseMs: number | undefined;
}

/** A kind of load, and what goes before that is not counted. */
interface Shape {
  readonly flags: readonly string[];
  readonly before?: readonly string[];
  readonly interTokenLatency: string;
}

export type Kind = 'chat' | 'warm' | 'stream';

const CLIENTS = ['-c', '32'];
export const SHAPES: Readonly<Record<Kind, Shape>> = {
  chat: { flags: [...CLIENTS, '-n', '8000'], interTokenLatency: '0' },
  warm: { before: [...CLIENTS, '-n', '10000'], flags: [...CLIENTS, '-n', '60000'], interTokenLatency: '0' },
  stream: { flags: ['-stream', '-c', '64', '-n', '1000'], interTokenLatency: '5ms' },
};
const WORKERS = 4;
/** The load begins when a program uses no CPU any more: one that prepares itself for requests has done so. */
const AT_LEAST_MS = 3_000;
const AT_MOST_MS = 30_000;
const LOOK_MS = 1_000;
/** Of one core. */
const IDLE_SHARE = 0.05;
const ANSWER_BODY = '{"model":"sim","messages":[{"role":"user","content":"hello"}]}';

export function buildInstruments(): void {
  if (!existsSync(join(INSTRUMENTS, 'loadgen'))) {
    throw new Error(`expected the Go instruments in ${INSTRUMENTS}; name their folder in BENCH_DIR`);
  }
  mkdirSync(CACHE, { recursive: true });
  for (const program of ['upstream', 'loadgen']) {
    execFileSync('go', ['build', '-o', join(CACHE, program), `./${program}`], { cwd: INSTRUMENTS, stdio: 'inherit' });
  }
}

/** The stream without anything between. */
export async function loadDirect(): Promise<Load> {
  const { flags, interTokenLatency } = SHAPES.stream;
  const upstream = await startUpstream(interTokenLatency);
  const figures = await load(upstream.urls[0] as string, flags, upstream.child.pid);
  await end(upstream.child);
  return figures;
}

/** The load on a program that was just started. */
export async function loadOn(program: Program, kind: Kind): Promise<Cost> {
  const { flags, before, interTokenLatency } = SHAPES[kind];
  const upstream = await startUpstream(interTokenLatency);
  const prefill = await startUpstream('0', ['-tokens', '1']);
  const scratch = mkdtempSync(join(tmpdir(), 'sglang-overhead-'));
  const ports = await freePorts(2);
  const place = { workers: upstream.urls, routers: [], ports, scratch };
  const { file, args } = await program.command(place, prefill.urls);
  const started = performance.now();
  const router = spawn(file, args, { stdio: 'ignore' });
  const url = `http://127.0.0.1:${ports[0]}`;
  await firstAnswer(url, router);
  const startMs = performance.now() - started;
  await untilIdle(router.pid as number);
  if (before) await load(url, before, router.pid);
  const figures = await load(url, flags, router.pid);
  const pauseMs = await longestPauseMs(`http://127.0.0.1:${ports[1]}/metrics`);
  for (const child of [router, upstream.child, prefill.child]) await end(child);
  rmSync(scratch, { recursive: true });
  return { ...figures, startMs, pauseMs };
}

async function untilIdle(pid: number): Promise<void> {
  await delay(AT_LEAST_MS);
  const endMs = performance.now() + AT_MOST_MS;
  for (let before = cpuSecs(pid); performance.now() < endMs; ) {
    await delay(LOOK_MS);
    const now = cpuSecs(pid);
    if ((now - before) * 1000 < IDLE_SHARE * LOOK_MS) return;
    before = now;
  }
}

async function startUpstream(interTokenLatency: string, flags: readonly string[] = []) {
  const [first] = (await freePorts(1)) as [number];
  const args = ['-port', String(first), '-count', String(WORKERS), '-itl', interTokenLatency, ...flags];
  const child = spawn(join(CACHE, 'upstream'), args, { stdio: 'ignore' });
  const urls = Array.from({ length: WORKERS }, (_, i) => `http://127.0.0.1:${first + i}`);
  for (const url of urls) await firstAnswer(url, child);
  return { child, urls };
}

/** Asks every 5 ms until the first 200. */
async function firstAnswer(url: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with code ${child.exitCode}`);
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: ANSWER_BODY,
    }).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`${child.spawnfile} gave no answer within 60 s`);
}

async function load(url: string, flags: readonly string[], pid: number | undefined): Promise<Load> {
  const args = ['-pid', String(pid), '-url', `${url}/v1/chat/completions`, '-chat', '-chars', '2000', ...flags];
  const child = spawn(join(CACHE, 'loadgen'), args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let line = '';
  for await (const text of child.stdout) line += text;
  const figure = (name: string) => Number(new RegExp(`${name}= *([\\d.]+)`).exec(line)?.[1]);
  return { cpuUs: figure('cpu_us/req'), firstTokenMs: figure('ttft50'), rssMb: figure('rss'), bad: figure('bad') };
}

/** The bound of the last bucket of the event loop's lag that anything was counted in. */
async function longestPauseMs(url: string): Promise<number | undefined> {
  const answer = await fetch(url).catch(() => undefined);
  const text = answer?.ok ? await answer.text() : '';
  const lines = text.matchAll(/^sgl_router_event_loop_lag_seconds_bucket\{le="([^"]+)"\} (\d+)$/gm);
  const buckets = Array.from(lines, ([, bound, count]) => ({ bound: Number(bound), count: Number(count) }));
  const all = buckets.at(-1)?.count;
  const last = buckets.find(({ count }) => count === all)?.bound;
  return last && last * 1000;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await exited;
  clearTimeout(timer);
}
