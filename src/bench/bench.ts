import { availableParallelism, cpus } from 'node:os';
import { ExitError } from '../errors/errors.ts';
import { requireFolder } from '../os/folder.ts';
import { wordsOf } from '../sim/profile.ts';
import { calibrate } from './calibrate/calibrate.ts';
import { type Candidate, candidatesOf, type Programs } from './candidates.ts';
import { percent } from './figures.ts';
import { type Measured, measuredOf } from './measure.ts';
import { type BenchOptions, onlyCalibrates, workloadOptions } from './options.ts';
import { type Output, Progress } from './progress.ts';
import { possibleHits } from './prompt.ts';
import { writeProfile, writeReport } from './report.ts';
import type { Ran, Report, Run } from './run.ts';
import type { Objective } from './summary.ts';
import { renderTable } from './table.ts';
import { verdicts } from './verdicts.ts';
import { fleetBars } from './what-if/fleet-plots.ts';
import { WORKLOADS } from './workloads/index.ts';
import { recordedAnswers } from './workloads/recorded.ts';
import { TRACE } from './workloads/trace.ts';
import type { Load, Workload } from './workloads/workload.ts';

/** What the benchmark runs with. */
interface BenchParts extends Programs {
  /** Tables, and the progress. */
  readonly out: Output;
  readonly progress: Output;
  readonly commandLine: string;
  /** Ends the run early. */
  readonly stopped: AbortSignal;
}

/** Runs what the options ask for, prints a table for each workload, writes the report; resolves with it. */
export async function runBench(options: BenchOptions, parts: BenchParts): Promise<Report> {
  const { out, commandLine, stopped } = parts;
  // Before the work, so that hours of it are not lost.
  if (options.out !== undefined) requireFolder(options.out, '--out');
  const startedAt = new Date().toISOString();
  const calibrated = options.calibrate === undefined ? [] : await calibratedFlags(options.calibrate, options, parts);
  const candidates = candidatesOf({ ...options, engineFlags: [...calibrated, ...options.engineFlags] }, parts);
  const workloads: Ran[] = [];
  const runs: Run[] = [];
  for (const { name, about, build } of workloadsOf(options)) {
    const load = build(workloadOptions(options));
    if (options.whatIf && load.killAtShare !== undefined) {
      throw new ExitError('usage', `--what-if computes fleets that stay whole: --workload ${name} kills a worker`);
    }
    const ran = describe(name, about, load);
    const all = await runWorkload(name, load, ran.requests, candidates, options, parts);
    if (stopped.aborted) break;
    workloads.push(ran);
    runs.push(...all);
    out.write(renderTable(ran, all) + fleetBars(all));
  }
  out.write(verdicts(workloads, runs));
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
  { progress, stopped }: BenchParts,
): Promise<Run[]> {
  const recorded = recordedRun(workload, load, options);
  const found = new Map<Candidate, Measured[]>(candidates.map((candidate) => [candidate, []]));
  for (let repeat = 0; repeat < options.repeat; repeat++) {
    for (const candidate of candidates) {
      if (stopped.aborted) return [];
      const watcher = new Progress(progress, `${workload} · ${candidate.name}`, requests);
      const measured = await candidate.measure({
        load,
        watcher,
        stopped,
        objective: objectiveOf(options),
        warmUpRequests: options.warmupRequests,
        timeoutMs: options.timeoutSecs * 1000,
      });
      watcher.end(`${workload} · ${candidate.name}: ${stopped.aborted ? 'stopped' : briefly(measured)}`);
      found.get(candidate)?.push(measured);
    }
  }
  const measured = candidates.map((candidate) => ({
    workload,
    contender: candidate.name,
    own: candidate.own,
    fleet: candidate.fleet,
    ...median(found.get(candidate) ?? []),
  }));
  return [...recorded, ...measured];
}

function workloadsOf(options: BenchOptions): readonly Workload[] {
  const { workloads, traceFile } = options;
  if (onlyCalibrates(options)) return [];
  return traceFile === undefined ? WORKLOADS.filter(({ name }) => workloads.includes(name)) : [TRACE];
}

/** How it was when the trace was recorded, to compare with. */
function recordedRun(workload: string, { recorded = [] }: Load, options: BenchOptions): Run[] {
  const answers = recordedAnswers(recorded);
  if (answers.length === 0) return [];
  return [
    {
      workload,
      contender: 'as recorded',
      own: true,
      isRecorded: true,
      ...measuredOf(answers, [], { objective: objectiveOf(options) }),
    },
  ];
}

function objectiveOf({ sloTtftMs, sloItlMs }: BenchOptions): Objective {
  return { ttftMs: sloTtftMs, itlMs: sloItlMs };
}

/** The flags of an engine that is like the one at `url`; with `--out` they are kept. */
async function calibratedFlags(url: string, options: BenchOptions, parts: BenchParts): Promise<readonly string[]> {
  const { out, progress, stopped } = parts;
  const { apiKey, timeoutSecs } = options;
  const say = (line: string) => progress.write(`${line}\n`);
  const measuring = calibrate({ url, apiKey, timeoutMs: timeoutSecs * 1000, stopped, say });
  const profile = await measuring.catch((error) => {
    if (!stopped.aborted) throw error;
  });
  if (!profile) return [];
  const flags = wordsOf(profile);
  out.write(`an engine like ${url}: ${flags.join(' ')}\n`);
  if (options.out !== undefined) out.write(`written: ${await writeProfile(options.out, profile)}\n`);
  return flags;
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
