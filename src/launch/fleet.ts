import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import type { Log } from '../observe/log/log.ts';
import type { Ports } from '../os/ports.ts';
import type { Failure } from './failure.ts';
import { LogFile } from './log-file.ts';
import type { ServerPlan } from './plan.ts';
import { Server, type ServerDeps } from './server.ts';
import { takePorts } from './server-ports.ts';

/** SGLang needs 3 to 7 s from SIGTERM to its end; then whatever is left is killed. */
export const STOP_GRACE_MS = 10_000;

/** How a starting server stands, as the router tells it to clients that come too early. */
export interface Progress {
  readonly rank: number;
  readonly name: string;
  readonly url: string;
  readonly phase: string;
  /** Share of the phase done, 0 to 1, or null where the server does not say. */
  readonly progress: number | null;
  readonly elapsedSecs: number;
}

interface FleetEvents {
  started: [server: Server];
  moved: [server: Server, lostUrl: string];
  changed: [server: Server];
  warm: [server: Server];
  output: [server: Server, lines: readonly string[]];
  failed: [server: Server, failure: Failure];
}

export interface FleetOptions {
  readonly ports: Ports;
  /** Existing folder; each server writes its own file there. */
  readonly logFolder: string;
  readonly startupTimeoutMs: number;
  readonly log: Log;
  readonly now?: () => number;
}

/** All servers of one launch. Tells what happens to them (see ServerEvents); what to do about it is up to the listener. */
export class Fleet extends EventEmitter<FleetEvents> {
  readonly servers: readonly Server[];

  private constructor(servers: readonly Server[]) {
    super();
    this.servers = servers;
  }

  /** Takes ports and opens log files; nothing runs before `start`. */
  static async create(plans: readonly ServerPlan[], options: FleetOptions): Promise<Fleet> {
    const servers: Server[] = [];
    const fleet = new Fleet(servers);
    const { ports, logFolder, startupTimeoutMs, log, now = () => performance.now() } = options;
    const deps: ServerDeps = { ports, startupTimeoutMs, now, events: fleet.#events() };
    for (const plan of plans) {
      const path = join(logFolder, `${plan.name}.log`);
      const file = new LogFile(path, (problem) =>
        log.error('server log cannot be written, tried again every 30 s; the servers run on', { path, problem }),
      );
      servers.push(new Server(plan, await takePorts(plan, ports), file, deps));
    }
    return fleet;
  }

  /** Starts all servers at once. */
  start(): void {
    for (const server of this.servers) server.start();
  }

  /** How each server stands, for whoever asks too early. */
  progress(): Progress[] {
    return this.servers.map((server) => ({
      rank: server.plan.rank,
      name: server.plan.name,
      url: server.url,
      phase: server.phase.name,
      progress: server.phase.progress ?? null,
      elapsedSecs: Math.round(server.elapsedMs / 100) / 10,
    }));
  }

  /** Ends all servers side by side; resolves with the pids that could not be ended. */
  async stop(graceMs: number = STOP_GRACE_MS): Promise<number[]> {
    return (await Promise.all(this.servers.map((server) => server.stop(graceMs)))).flat();
  }

  /** Kills all servers at once: the signals are sent when it returns. */
  async kill(): Promise<number[]> {
    return (await Promise.all(this.servers.map((server) => server.kill()))).flat();
  }

  #events(): ServerDeps['events'] {
    return {
      started: (server) => this.emit('started', server),
      moved: (server, lostUrl) => this.emit('moved', server, lostUrl),
      changed: (server) => this.emit('changed', server),
      warm: (server) => this.emit('warm', server),
      output: (server, lines) => this.emit('output', server, lines),
      failed: (server, failure) => this.emit('failed', server, failure),
    };
  }
}
