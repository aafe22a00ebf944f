import type { LaunchConfig } from '../config/launch.ts';
import type { Wish } from '../launch/control.ts';
import { explain, type Failure } from '../launch/failure.ts';
import { type Fleet, STOP_GRACE_MS } from '../launch/fleet.ts';
import type { Screen } from '../launch/screen/screen.ts';
import type { Server } from '../launch/server.ts';
import { Supervisor } from '../launch/supervisor.ts';
import type { Log } from '../observe/log/log.ts';
import type { Router } from '../router/router.ts';
import type { InService } from './in-service.ts';
import { comesUp, rollingRestart } from './rolling-restart.ts';

interface RestartsDeps {
  readonly screen: Screen;
  readonly log: Log;
  readonly inService: InService;
  readonly workerRestarts: LaunchConfig['workerRestarts'];
  /** What requests get to finish before a server is restarted. */
  readonly graceMs: number;
}

/** Starts servers again while the launch serves: those that ended, and those that somebody wants restarted. */
export class Restarts {
  readonly #deps: RestartsDeps;
  readonly #supervisor: Supervisor;
  /** Servers that are not started again. */
  readonly #down = new Set<Server>();
  #rolling = false;

  constructor(deps: RestartsDeps) {
    this.#deps = deps;
    this.#supervisor = new Supervisor(deps.workerRestarts);
  }

  /** A rolling restart is under way. */
  get rolling(): boolean {
    return this.#rolling;
  }

  /** No more restarts. */
  close(): void {
    this.#supervisor.close();
  }

  /** A server ended by itself. False when nothing can be served any more: no server of its role is left, launched here or not. */
  ended(server: Server, failure: Failure, router: Router, { servers }: Fleet): boolean {
    const { log, screen, inService, workerRestarts } = this.#deps;
    router.registry.fail(server.url, failure.text);
    inService.leave(server);
    const planned = this.#supervisor.ended(server);
    if (planned) {
      const restart = `restart ${planned.number} of ${workerRestarts}`;
      screen.note(server, restart);
      const next = `${inService} go on; ${restart} in ${planned.waitMs / 1000} s`;
      log.warning(`${failure.text}; ${next}; its log: ${failure.logPath}`);
      return true;
    }
    screen.note(server, undefined);
    this.#down.add(server);
    return this.#goOn(server.plan.role, failure, router, servers);
  }

  /** Restarts servers one after the other, while the others serve. Resolves with what went wrong, if anything. */
  async roll(
    { servers: names, force }: Wish,
    router: Router,
    fleet: Fleet,
    tell: (line: string) => void,
  ): Promise<string | undefined> {
    const { log, screen, inService, graceMs } = this.#deps;
    this.#rolling = true;
    try {
      const problem = await rollingRestart(
        fleet.servers,
        { names, force },
        {
          tell: (line) => {
            log.info(line);
            tell(line);
          },
          drain: (server) => {
            screen.note(server, 'finishes its requests');
            inService.leave(server);
            return router.registry.remove(server.url, graceMs);
          },
          restart: async (server) => {
            // It may have been given up before.
            this.#down.delete(server);
            screen.note(server, 'is stopped');
            await this.#supervisor.restart(server, STOP_GRACE_MS);
            return comesUp(fleet, server, () => this.#down.has(server));
          },
        },
      );
      if (problem !== undefined) log.error(problem);
      return problem;
    } finally {
      this.#rolling = false;
    }
  }

  /** Says how it goes on without a server that is given up; false when it does not. */
  #goOn(role: Server['plan']['role'], failure: Failure, { registry }: Router, servers: readonly Server[]): boolean {
    const ofRole = servers.filter(({ plan }) => plan.role === role);
    const others = ofRole.filter((server) => !this.#down.has(server)).length;
    const elsewhere = registry.workers.filter(
      (worker) => worker.role === role && worker.spec.source !== 'launch',
    ).length;
    if (others + elsewhere === 0) return false;
    const left = `${others} of ${ofRole.length} ${role === 'regular' ? '' : `${role} `}servers`;
    const more = elsewhere > 0 ? ` and ${elsewhere} other workers` : '';
    this.#deps.log.error(`${explain(failure)}\n  it is not started again; ${left}${more} go on`);
    return true;
  }
}
