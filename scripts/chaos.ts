/**
 * Faults under load, with the router and its engines as processes of their own; every answer is checked. Prints figures and
 * exits with 1 when something was not as it must be.
 *
 *     npm run chaos -- --minutes 20                 mixed trouble
 *     npm run chaos -- --scenario kill,aborts       these
 *     npm run chaos -- --scenario all --minutes 2   all
 *     npm run chaos -- --scenario faults            what clients see of bad servers, requests and ranks, 10 minutes
 *     npm run chaos -- --scenario faults --router smg --seconds 60
 *     npm run chaos -- --list
 */
import { parseArgs } from 'node:util';
import type { Findings, Scenario } from './chaos/scenario.ts';
import { aborts } from './chaos/scenarios/aborts.ts';
import { badWorkers } from './chaos/scenarios/bad-workers.ts';
import { faults } from './chaos/scenarios/faults.ts';
import { idleStreams } from './chaos/scenarios/idle-streams.ts';
import { kill } from './chaos/scenarios/kill.ts';
import { mixed } from './chaos/scenarios/mixed.ts';
import { prefillDecode } from './chaos/scenarios/prefill-decode.ts';
import { rollingRestart } from './chaos/scenarios/rolling-restart.ts';
import { scaling } from './chaos/scenarios/scaling.ts';
import { slowReader } from './chaos/scenarios/slow-reader.ts';
import { Stage } from './chaos/stage.ts';

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  scaling,
  'rolling-restart': rollingRestart,
  kill,
  'bad-workers': badWorkers,
  aborts,
  'slow-reader': slowReader,
  'idle-streams': idleStreams,
  'prefill-decode': prefillDecode,
  mixed,
  faults,
};

/** Beyond what the scenario itself takes. */
const LIMIT_MINUTES = 8;

let interrupted = false;

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', default: 'mixed' },
    minutes: { type: 'string' },
    seconds: { type: 'string' },
    router: { type: 'string' },
    clients: { type: 'string', default: '64' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    list: { type: 'boolean', default: false },
  },
});

if (values.list) for (const [name, { about }] of Object.entries(SCENARIOS)) console.log(`${name.padEnd(16)} ${about}`);
else process.exit((await runAll()) ? 0 : 1);

async function runAll(): Promise<boolean> {
  const names = values.scenario === 'all' ? Object.keys(SCENARIOS) : values.scenario.split(',');
  const unknown = names.filter((name) => !(name in SCENARIOS));
  if (unknown.length > 0) {
    console.error(`expected ${Object.keys(SCENARIOS).join(', ')} or all, got ${unknown}`);
    return false;
  }
  let good = true;
  for (const name of names) {
    if (interrupted) return false;
    const { figures, problems } = await run(name, SCENARIOS[name] as Scenario);
    console.log(`\n${name}: ${problems.length === 0 ? 'as it must be' : 'NOT as it must be'}`);
    for (const [what, figure] of Object.entries(figures)) console.log(`  ${what.padEnd(46)} ${figure}`);
    for (const problem of problems) console.log(`  ✗ ${problem}`);
    good &&= problems.length === 0;
  }
  return good;
}

function minutesOf({ minutes = 5 }: Scenario): number {
  if (values.seconds !== undefined) return Number(values.seconds) / 60;
  return values.minutes === undefined ? minutes : Number(values.minutes);
}

/** Runs one scenario within its time; its processes end with it, whatever happens. */
async function run(name: string, scenario: Scenario): Promise<Findings> {
  await using stage = new Stage();
  const startMs = performance.now();
  const minutes = minutesOf(scenario);
  const stopped = Promise.withResolvers<Findings>();
  const stop = (reason: string) => stopped.resolve({ figures: {}, problems: [reason] });
  const timer = setTimeout(() => stop('it did not end in time'), (minutes + LIMIT_MINUTES) * 60_000);
  const interrupt = () => {
    interrupted = true;
    stop('interrupted');
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const say = (line: string) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${name}: ${line}`.slice(0, process.stderr.columns || 160));
  };
  try {
    const { router } = values;
    const options = { minutes, clients: Number(values.clients), seed: Number(values.seed), router, say };
    const findings = await Promise.race([scenario.run(stage, options), stopped.promise]);
    const took = `${Math.round((performance.now() - startMs) / 1000)} s`;
    return { ...findings, figures: { ...findings.figures, 'the scenario took': took } };
  } catch (error) {
    return { figures: {}, problems: [(error as Error).stack ?? String(error)] };
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }
}
