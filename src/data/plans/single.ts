import type { AssignedCall, Assignment, AttemptEnd } from '../../link/assignment.ts';
import type { Shape } from '../../link/scheduling.ts';
import type { Exchange } from '../exchange.ts';
import { Relay } from '../relay.ts';
import { WorkerCall } from '../worker-call.ts';
import type { Plan } from './plan.ts';

/** One server answers the whole request. */
export class SinglePlan implements Plan {
  readonly shape: Shape;
  readonly #exchange: Exchange;

  constructor(exchange: Exchange, shape: 'regular' | 'decode') {
    this.#exchange = exchange;
    this.shape = shape;
  }

  async attempt({ calls, retries, deadlineMs }: Assignment): Promise<AttemptEnd> {
    const exchange = this.#exchange;
    const call = new WorkerCall(calls[0] as AssignedCall, { exchange, retries, deadlineMs });
    exchange.ongoing = call;
    const outcome = await call.send(exchange, new Relay(exchange));
    exchange.ongoing = undefined;
    return { outcome, target: call.target };
  }
}
