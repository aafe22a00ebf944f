import { setTimeout as delay } from 'node:timers/promises';
import { saysPortTaken } from './causes.ts';
import { Child, type Exit } from './child.ts';
import { endedFailure, type Failing, type Failure, timeoutFailure } from './failure.ts';
import { groupListens } from './listener.ts';
import type { LogFile } from './log-file.ts';
import { nextPhase, type Phase, saysReady, shareOf } from './phases.ts';
import { SERVER_HOST, type ServerPlan } from './plan.ts';
import type { Ports } from './ports.ts';
import { LineReader, Tail } from './tail.ts';

/** Longest time a timer takes; some 25 days. */
const LONGEST_MS = 2 ** 31 - 1;
/** Starts on other ports after the first one was taken. */
const PORT_RETRIES = 3;

/** What a server needs of its surroundings. */
export interface ServerDeps {
  readonly ports: Ports;
  readonly startupTimeoutMs: number;
  /** Milliseconds from any fixed point, never going back. */
  readonly now: () => number;
  readonly events: ServerEvents;
}

/** What a server tells. */
export interface ServerEvents {
  /** It runs on `server.url` from now on; `lostUrl` is where another program was sooner. */
  started(server: Server, lostUrl: string | undefined): void;
  /** Phase or progress changed. */
  changed(server: Server): void;
  /** Its output says that it serves. */
  warm(server: Server): void;
  output(server: Server, lines: readonly string[]): void;
  /** It ended without being asked to, or is not ready in time. */
  failed(server: Server, failure: Failure): void;
}

/** One server of the launch, from its first start to its end. */
export class Server {
  readonly plan: ServerPlan;
  readonly #deps: ServerDeps;
  readonly #log: LogFile;
  #port: number;
  #phase: Phase = { name: 'starting' };
  #tail = new Tail();
  #child: Child | undefined;
  #startedMs = 0;
  #readyMs: number | undefined;
  #retries = 0;
  #over = false;

  constructor(plan: ServerPlan, port: number, log: LogFile, deps: ServerDeps) {
    this.plan = plan;
    this.#port = port;
    this.#log = log;
    this.#deps = deps;
  }

  get url(): string {
    return `http://${SERVER_HOST}:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get ready(): boolean {
    return this.#readyMs !== undefined && !this.#over;
  }

  /** How far its start is, 0 to 1. */
  get share(): number {
    return shareOf(this.#phase);
  }

  /** Failed, or told to stop. */
  get over(): boolean {
    return this.#over;
  }

  /** Milliseconds since its start; until it was ready when it is. */
  get elapsedMs(): number {
    return (this.#readyMs ?? this.#deps.now()) - this.#startedMs;
  }

  start(): void {
    this.#startedMs = this.#deps.now();
    this.#run();
    void this.#watchTime();
  }

  /** A health check at `url` was answered: by this server, as a rule. */
  answered(): void {
    if (this.#over || this.#readyMs !== undefined) return;
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    if (groupListens(pid, this.#port) === false) {
      this.#loseTo('another program answers on it');
      return;
    }
    this.#readyMs = this.#deps.now();
    this.#advance({ name: 'ready' });
  }

  /** Ends it and everything it started; resolves with the pids that could not be ended. */
  async stop(graceMs: number): Promise<number[]> {
    this.#over = true;
    const child = this.#child;
    const left = (await child?.stop(graceMs)) ?? [];
    if (left.length === 0) await child?.exited;
    await this.#log.close();
    return left;
  }

  /** As `stop`, without any grace. */
  async kill(): Promise<number[]> {
    this.#over = true;
    return (await this.#child?.kill()) ?? [];
  }

  #run(): void {
    this.#tail = new Tail();
    const reader = new LineReader();
    const child = new Child(this.plan.command(this.#port), (chunk) => {
      this.#log.write(chunk);
      this.#read(reader.read(chunk));
    });
    this.#child = child;
    void child.exited.then((exit) => {
      this.#read(reader.end());
      void this.#ended(child, exit);
    });
  }

  #read(lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.#tail.push(lines);
    this.#deps.events.output(this, lines);
    if (this.#readyMs !== undefined || this.#over) return;
    for (const line of lines) this.#advance(nextPhase(this.#phase, line));
    if (lines.some(saysReady)) this.#deps.events.warm(this);
    if (lines.some(saysPortTaken)) this.#loseTo('another program was sooner');
  }

  /** Left alone it would load a whole model and then hang; killed, its end is handled as that of any other. */
  #loseTo(who: string): void {
    this.#tail.push([`address already in use: port ${this.#port}, ${who}`]);
    void this.#child?.kill();
  }

  #advance(phase: Phase): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.#deps.events.changed(this);
  }

  async #ended(child: Child, exit: Exit): Promise<void> {
    // What it had started must not hold on to the GPU or the port. Later its pid may be someone else's.
    await child.kill();
    this.#child = undefined;
    if (this.#over) return;
    const failure = endedFailure(this.#failing(), exit);
    if (failure.portTaken && this.#readyMs === undefined && this.#retries < PORT_RETRIES) return this.#move();
    this.#fail(failure);
  }

  /** The same server again, on another port. */
  async #move(): Promise<void> {
    const lostUrl = this.url;
    this.#retries++;
    this.#port = await this.#deps.ports.next();
    if (this.#over) return;
    this.#phase = { name: 'starting' };
    this.#run();
    this.#deps.events.started(this, lostUrl);
  }

  async #watchTime(): Promise<void> {
    const timeoutMs = Math.min(this.#deps.startupTimeoutMs, LONGEST_MS);
    await delay(timeoutMs, undefined, { ref: false });
    if (this.#over || this.#readyMs !== undefined) return;
    const failure = timeoutFailure(this.#failing(), timeoutMs);
    void this.#child?.kill();
    this.#fail(failure);
  }

  #fail(failure: Failure): void {
    this.#over = true;
    this.#deps.events.failed(this, failure);
  }

  #failing(): Failing {
    return {
      name: this.plan.name,
      address: `${SERVER_HOST}:${this.#port}`,
      stage: this.#readyMs === undefined ? 'starting' : 'running',
      phase: this.#phase,
      elapsedMs: this.#deps.now() - this.#startedMs,
      lines: this.#tail.lines,
      logPath: this.#log.path,
    };
  }
}
