import { createPolicy, type PolicyOptions } from '../../scheduler/policies/index.ts';
import type { SimOptions } from '../../sim/options.ts';
import { parseSimOptions } from '../../sim/parse-options.ts';
import { type Counters, difference } from '../counters.ts';
import { drive, type Watcher } from '../drive.ts';
import { type Measured, measuredOf, type Setting, warmUp } from '../measure.ts';
import { Random } from '../random.ts';
import { FleetModel } from './fleet-model.ts';
import { medianOf } from './median.ts';
import { VirtualTime } from './virtual-time.ts';

/** A fleet that might be. */
export interface Fleet {
  readonly workers: number;
  readonly policy: string;
  readonly policyOptions: PolicyOptions;
  readonly engineFlags: readonly string[];
}

const NOBODY: Watcher = { asked: () => {}, answered: () => {} };
/** Which request comes first decides where its prompt is cached, and that the times of many: few requests are computed several times. */
const REQUESTS_IN_ALL = 4_000;
const MOST_RUNS = 9;

/** What the load would give with that fleet: computed, in much less than its time. The same each time. */
export async function measureModel(fleet: Fleet, setting: Setting): Promise<Measured> {
  const requests = setting.load.sessions.reduce((count, { turns }) => count + turns.length, 0);
  const wanted = Math.min(MOST_RUNS, Math.ceil(REQUESTS_IN_ALL / requests));
  const runs = [await runModel(fleet, setting, 0)];
  while (runs.length < wanted && !setting.stopped.aborted) {
    runs.push(await runModel(fleet, { ...setting, watcher: NOBODY }, runs.length));
  }
  return medianOf(runs);
}

async function runModel(fleet: Fleet, setting: Setting, seed: number): Promise<Measured> {
  const { workers, policyOptions, engineFlags } = fleet;
  const { load, watcher, stopped } = setting;
  const time = new VirtualTime();
  const random = new Random(seed);
  const policy = createPolicy(fleet.policy, policyOptions, { now: () => time.now(), random: () => random.next() });
  const engines = Array.from({ length: workers }, (_, i) =>
    optionsOf([...(load.engineFlags?.(i) ?? []), ...engineFlags]),
  );
  const model = new FleetModel(engines, policy, time, random);
  let before: readonly Counters[] = model.counted;
  const run = async () => {
    await warmUp(model, setting);
    before = model.counted;
    return await drive(load, model, watcher, stopped, time);
  };
  const answers = (await time.run(run(), stopped)) ?? [];
  const counted = model.counted.map((after, i) => difference(after, before[i] as Counters));
  return measuredOf(answers, counted, setting);
}

function optionsOf(flags: readonly string[]): SimOptions {
  const parsed = parseSimOptions(flags);
  if (parsed.kind !== 'options') throw new RangeError('expected flags of an engine, got --help');
  return parsed.options;
}
