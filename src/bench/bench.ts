import { availableParallelism, cpus } from 'node:os';
import { ExitError } from '../errors/errors.ts';
import { requireFolder } from '../os/folder.ts';
import { type Contender, installedPeers, ownRouter, peersFolder } from './contenders.ts';
import { type Measured, measure, measureSimulated, type Setting } from './measure.ts';
import { type BenchOptions, workloadOptions } from './options.ts';
import { type Output, Progress } from './progress.ts';
import { possibleHits } from './prompt.ts';
import { type Ran, type Report, type Run, writeReport } from './report.ts';
import { percent, renderTable } from './table.ts';
import { verdicts } from './verdicts.ts';
import { WORKLOADS } from './workloads/index.ts';
import type { Load } from './workloads/workload.ts';

/** What the benchmark runs with. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  /** The program that `router` and `sim-engine` are commands of. */
  readonly program: string;
  /** Tables, and the progress. */
  readonly out: Output;
  readonly progress: Output;
  readonly commandLine: string;
  /** Ends the run early. */
  readonly stopped: AbortSignal;
}

/** One thing to measure: a router in front of engines of its own, or a running server. */
interface Candidate {
  readonly name: string;
  readonly own: boolean;
  measure(setting: Setting): Promise<Measured>;
}

/** Runs what the options ask for, prints a table for each workload, writes the report; resolves with it. */
export async function runBench(options: BenchOptions, surroundings: Surroundings): Promise<Report> {
  const { out, commandLine, stopped } = surroundings;
  // Before the work, so that hours of it are not lost.
  if (options.out !== undefined) requireFolder(options.out, '--out');
  const candidates = options.url === undefined ? simulated(options, surroundings) : [running(options.url, options)];
  const startedAt = new Date().toISOString();
  const workloads: Ran[] = [];
  const runs: Run[] = [];
  for (const { name, about, build } of WORKLOADS.filter(({ name }) => options.workloads.includes(name))) {
    const load = build(workloadOptions(options));
    const ran = describe(name, about, load);
    const all = await runWorkload(name, load, ran.requests, candidates, options, surroundings);
    if (stopped.aborted) break;
    workloads.push(ran);
    runs.push(...all);
    out.write(renderTable(ran, all));
  }
  out.write(verdicts(runs));
  const report = { startedAt, commandLine, machine: machine(), workloads, runs };
  if (options.out !== undefined && runs.length > 0) {
    for (const path of await writeReport(options.out, report)) out.write(`written: ${path}\n`);
  }
  return report;
}

/** All candidates in turn, then all again where asked for: what else the machine does meets them alike. */
async function runWorkload(
  workload: string,
  load: Load,
  requests: number,
  candidates: readonly Candidate[],
  options: BenchOptions,
  { progress, stopped }: Surroundings,
): Promise<Run[]> {
  const found = new Map<Candidate, Measured[]>(candidates.map((candidate) => [candidate, []]));
  for (let repeat = 0; repeat < options.repeat; repeat++) {
    for (const candidate of candidates) {
      if (stopped.aborted) return [];
      const watcher = new Progress(progress, `${workload} · ${candidate.name}`, requests);
      const measured = await candidate.measure({
        load,
        watcher,
        stopped,
        objective: { ttftMs: options.sloTtftMs, itlMs: options.sloItlMs },
        warmUpRequests: options.warmupRequests,
        timeoutMs: options.timeoutSecs * 1000,
      });
      watcher.end(`${workload} · ${candidate.name}: ${briefly(measured)}`);
      found.get(candidate)?.push(measured);
    }
  }
  return candidates.map((candidate) => ({
    workload,
    contender: candidate.name,
    own: candidate.own,
    ...median(found.get(candidate) ?? []),
  }));
}

function simulated(options: BenchOptions, { env, program }: Surroundings): readonly Candidate[] {
  const { engines, engineFlags } = options;
  const candidates = (contender: Contender, own: boolean): readonly Candidate[] =>
    options.routers.map((routers) => ({
      name: routers === 1 ? contender.name : `${contender.name} × ${routers}`,
      own,
      measure: (setting) => measureSimulated(contender, { program, engines, engineFlags, routers }, setting),
    }));
  return [
    ...options.policies.flatMap((policy) => candidates(ownRouter(program, policy, options.routerArgs), true)),
    ...chosenPeers(options, env).flatMap((peer) => candidates(peer, false)),
  ];
}

function chosenPeers({ peers }: BenchOptions, env: NodeJS.ProcessEnv): readonly Contender[] {
  if (peers === 'none') return [];
  const installed = installedPeers(env);
  const chosen =
    peers === 'all' ? installed : installed.filter(({ name }) => peers.some((one) => name.startsWith(one)));
  const missing = peers === 'all' ? [] : peers.filter((one) => !installed.some(({ name }) => name.startsWith(one)));
  if (chosen.length > 0 && missing.length === 0) return chosen;
  throw new ExitError('usage', `--peers: ${missing.join(', ') || 'none'} installed in ${peersFolder(env)}`, {
    hint: 'scripts/install-peers installs them',
  });
}

function running(url: string, { model, apiKey, flushCache }: BenchOptions): Candidate {
  return {
    name: url.replace('http://', ''),
    own: true,
    async measure(setting) {
      if (flushCache) await post(`${url}/flush_cache`, apiKey);
      return await measure({ urls: [url], apiKey, model: model ?? (await firstModel(url, apiKey)) }, setting);
    },
  };
}

async function firstModel(url: string, apiKey: string | undefined): Promise<string> {
  try {
    const response = await fetch(`${url}/v1/models`, { headers: keyHeader(apiKey) });
    const { data } = (await response.json()) as { data?: { id?: string }[] };
    return data?.[0]?.id ?? 'default';
  } catch (error) {
    const cause = (error as Error).cause ?? error;
    throw new ExitError('bench_failed', `${url} does not answer: ${(cause as Error).message}`);
  }
}

async function post(url: string, apiKey: string | undefined): Promise<void> {
  const response = await fetch(url, { method: 'POST', headers: keyHeader(apiKey) });
  if (!response.ok) throw new ExitError('bench_failed', `${url} answered ${response.status}: ${await response.text()}`);
}

function keyHeader(apiKey: string | undefined): Record<string, string> {
  return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
}

function describe(name: string, about: string, { sessions }: Load): Ran {
  const requests = sessions.reduce((count, { turns }) => count + turns.length, 0);
  const { promptTokens, hitTokens } = possibleHits(sessions);
  return { name, about, requests, possibleHitShare: promptTokens > 0 ? hitTokens / promptTokens : 0 };
}

function median(all: readonly Measured[]): Measured {
  const sorted = all.toSorted((a, b) => a.summary.makespanSecs - b.summary.makespanSecs);
  return sorted[Math.floor((sorted.length - 1) / 2)] as Measured;
}

function briefly({ summary: { makespanSecs, ttftMs, hitShare, errors } }: Measured): string {
  return `${makespanSecs.toFixed(2)} s, TTFT p90 ${ttftMs.p90.toFixed(0)} ms, hit ${percent(hitShare)} %, ${errors} errors`;
}

function machine(): string {
  return `${availableParallelism()} CPUs, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`;
}
