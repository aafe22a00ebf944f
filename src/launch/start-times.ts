import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { makeFolder } from '../os/folder.ts';
import { PHASES, type Phase, type PhaseName } from './phases.ts';

/** How long a start stayed in each of its phases, in milliseconds. */
export type PhaseTimes = Readonly<Partial<Record<PhaseName, number>>>;

/** The starts of each model, the oldest model first. */
type Models = Record<string, PhaseTimes[]>;

const KEPT_STARTS = 5;
const KEPT_MODELS = 100;
const LONGEST_FILE = 1024 * 1024;

/** Where programs keep what they can do without. */
export function startTimesPath(env: NodeJS.ProcessEnv): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sglang-router', 'start-times.json');
}

/** How long earlier starts of a model took, from a file that launches share. Without a file that can be read or written it knows nothing. */
export class StartTimes {
  readonly #path: string;
  readonly #model: string;
  #starts: readonly PhaseTimes[];

  constructor(path: string, model: string) {
    this.#path = path;
    this.#model = model;
    this.#starts = read(path)[model] ?? [];
  }

  /** Milliseconds until a server is ready that has been `inPhaseMs` in its phase; undefined without earlier starts. */
  remainingMs({ name, progress }: Phase, inPhaseMs: number): number | undefined {
    if (this.#starts.length === 0) return undefined;
    const usual = this.#usualMs(name);
    const rest = progress === undefined ? Math.max(0, usual - inPhaseMs) : usual * (1 - progress);
    const later = PHASES.slice(PHASES.indexOf(name) + 1);
    return later.reduce((sum, phase) => sum + this.#usualMs(phase), rest);
  }

  /** Adds a start that has become ready. */
  add(times: PhaseTimes): void {
    const models = read(this.#path);
    const starts = [...(models[this.#model] ?? []), times].slice(-KEPT_STARTS);
    this.#starts = starts;
    delete models[this.#model];
    const kept = [...Object.entries(models), [this.#model, starts] as const].slice(-KEPT_MODELS);
    write(this.#path, Object.fromEntries(kept));
  }

  /** The median: one start from a cold disk says little of the next. */
  #usualMs(phase: PhaseName): number {
    const times = this.#starts.map((start) => start[phase] ?? 0).sort((a, b) => a - b);
    return times[Math.floor(times.length / 2)] ?? 0;
  }
}

function read(path: string): Models {
  try {
    const text = readFileSync(path, 'utf8');
    return text.length > LONGEST_FILE ? {} : modelsIn(JSON.parse(text));
  } catch {
    return {};
  }
}

/** What is right in the file, whatever others have written to it. */
function modelsIn(value: unknown): Models {
  const models: Models = {};
  for (const [model, starts] of Object.entries(value ?? {})) {
    if (Array.isArray(starts)) models[model] = starts.slice(-KEPT_STARTS).map(timesIn);
  }
  return models;
}

function timesIn(value: unknown): PhaseTimes {
  const given = (value ?? {}) as Record<string, unknown>;
  const times = PHASES.map((phase) => [phase, given[phase]] as const);
  return Object.fromEntries(times.filter(([, ms]) => typeof ms === 'number' && ms >= 0 && Number.isFinite(ms)));
}

/** Renamed into place: a launch beside this one never reads half a file. */
function write(path: string, models: Models): void {
  const fresh = `${path}.${process.pid}`;
  try {
    makeFolder(dirname(path));
    writeFileSync(fresh, `${JSON.stringify(models)}\n`, { mode: 0o600 });
    renameSync(fresh, path);
  } catch {
    // The next start is shown without an estimate.
  }
}
