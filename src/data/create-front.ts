import { createAuthorize, type Keys } from '../http/auth.ts';
import { createCors } from '../http/cors.ts';
import type { Scheduling } from '../link/scheduling.ts';
import type { Log } from '../observe/log/log.ts';
import { DataPath } from './data-path.ts';
import type { Timeouts } from './deadlines.ts';
import { Front, type OwnAnswers } from './front.ts';
import type { Planner } from './plans/plan.ts';
import { SinglePlan } from './plans/single.ts';
import { nixlPlanner } from './prefill-decode/nixl-plan.ts';
import { pairPlanner } from './prefill-decode/pair-plan.ts';

/** The options of the data path. */
interface DataOptions extends Timeouts, Keys {
  readonly maxPayloadBytes: number;
  readonly corsAllowedOrigins: readonly string[];
  readonly pdDisaggregation: boolean;
  readonly pdProtocol: string;
}

/** The parts that the data path works with. */
export interface DataParts {
  readonly scheduling: Scheduling;
  readonly ownAnswers: OwnAnswers;
  readonly log: Log;
}

/** Creates the data path of one thread. */
export function createFront(options: DataOptions, { scheduling, ownAnswers, log }: DataParts): Front {
  return new Front({
    cors: createCors(options.corsAllowedOrigins),
    authorize: createAuthorize(options),
    scheduling,
    dataPath: new DataPath(options, scheduling, plannerFor(options), log),
    ownAnswers,
  });
}

function plannerFor({ pdDisaggregation, pdProtocol, maxPayloadBytes }: DataOptions): Planner {
  if (!pdDisaggregation) return (exchange) => new SinglePlan(exchange, 'regular');
  return pdProtocol === 'nixl' ? nixlPlanner(maxPayloadBytes) : pairPlanner(maxPayloadBytes);
}
