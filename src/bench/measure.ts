import { type Answer, Client, type Target } from './client.ts';
import { type Contender, RunningRouters } from './contenders.ts';
import type { Counters } from './counters.ts';
import { type Asking, drive, type Watcher } from './drive.ts';
import { Engines } from './engines.ts';
import { segment } from './prompt.ts';
import { type Objective, type Summary, summarize } from './summary.ts';
import type { Load } from './workloads/workload.ts';

/** Before the clock runs: connections are open and code is compiled. None of their text is asked for again. */
const WARM_UP_TOKENS = 64;
const WARM_UP_SEED = 0x77a7;

/** What one run is told. */
export interface Setting {
  readonly load: Load;
  readonly objective: Objective;
  readonly warmUpRequests: number;
  readonly timeoutMs: number;
  readonly watcher: Watcher;
  readonly stopped: AbortSignal;
}

/** Simulated engines of our own, and the routers before them. */
interface Simulation {
  /** The program that `sim-engine` is a command of. */
  readonly program: string;
  readonly engines: number;
  readonly routers: number;
  readonly engineFlags: readonly string[];
}

/** A run's figures and the times behind its plots. */
export interface Measured {
  readonly summary: Summary;
  /** Of each good answer, in the order of sending: seconds from the start, and milliseconds to the first token. */
  readonly points: readonly (readonly [sentSecs: number, ttftMs: number])[];
}

/** Runs the load against one or several routers of a contender in front of new engines with empty caches. */
export async function measureSimulated(
  contender: Contender,
  { program, engines: count, routers: several, engineFlags }: Simulation,
  setting: Setting,
): Promise<Measured> {
  const { load } = setting;
  const engines = await Engines.start(program, count, (i) => [...(load.engineFlags?.(i) ?? []), ...engineFlags]);
  try {
    const routers = await RunningRouters.start(contender, several, engines.urls);
    try {
      const measured = await measure({ urls: routers.urls, model: 'simulated', apiKey: undefined }, setting, engines);
      routers.assertRunning();
      return measured;
    } finally {
      await routers.stop();
    }
  } finally {
    await engines.stop();
  }
}

/** Runs the load against a server that runs already; its caches are as they are. */
export async function measure(
  target: Omit<Target, 'timeoutMs'>,
  setting: Setting,
  engines?: Engines,
): Promise<Measured> {
  const { load, timeoutMs, watcher, stopped } = setting;
  const client = new Client({ ...target, timeoutMs });
  stopped.addEventListener('abort', () => client.close(), { once: true });
  try {
    await warmUp(client, setting);
    await engines?.mark();
    const answers = await drive(load, client, engines ? killing(watcher, load, engines) : watcher, stopped);
    return measuredOf(answers, (await engines?.counted()) ?? [], setting);
  } finally {
    client.close();
  }
}

/** The figures of answers, and of what the engines counted meanwhile. */
export function measuredOf(
  answers: readonly Answer[],
  counted: readonly (Counters | undefined)[],
  { objective }: Pick<Setting, 'objective'>,
): Measured {
  return { summary: summarize(answers, counted, objective), points: pointsOf(answers) };
}

/** Sends the short requests that come before those that count. */
export async function warmUp(client: Asking, { load, warmUpRequests }: Setting): Promise<void> {
  const requests = Array.from({ length: warmUpRequests }, (_, i) =>
    client.ask(load.api, [{ role: 'user', text: segment(WARM_UP_SEED, `warm-up ${i}`, WARM_UP_TOKENS).text }], 2),
  );
  await Promise.all(requests);
}

/** Kills engine 0 when its time has come. */
function killing(watcher: Watcher, { killAtShare, sessions }: Load, engines: Engines): Watcher {
  if (killAtShare === undefined) return watcher;
  const requests = sessions.reduce((count, { turns }) => count + turns.length, 0);
  let left = Math.ceil(requests * killAtShare);
  return {
    asked: () => watcher.asked(),
    answered(answer) {
      watcher.answered(answer);
      if (--left === 0) void engines.kill(0);
    },
  };
}

function pointsOf(answers: readonly Answer[]): Measured['points'] {
  const good = answers.filter(({ error }) => error === undefined).toSorted((a, b) => a.sentMs - b.sentMs);
  const startMs = good[0]?.sentMs ?? 0;
  return good.map(({ sentMs, firstMs = sentMs }) => [(sentMs - startMs) / 1000, firstMs - sentMs] as const);
}
