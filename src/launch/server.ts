import { groupListens } from '../os/listener.ts';
import { isFree, type Ports } from '../os/ports.ts';
import { saysPortTaken } from './causes.ts';
import { Child, type Exit } from './child.ts';
import { endedFailure, type Failing, type Failure, timeoutFailure } from './failure.ts';
import type { LogFile } from './log-file.ts';
import { type Phase, saysReady, shareOf } from './phases.ts';
import { SERVER_HOST, type ServerPlan } from './plan.ts';
import { type ServerPorts, takePorts } from './server-ports.ts';
import { StartProgress } from './start-progress.ts';
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
  /** It runs on `server.url` from now on, for the first time or again. */
  started(server: Server): void;
  /** Its next start is on another port: another program was sooner on the one of `lostUrl`. */
  moved(server: Server, lostUrl: string): void;
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
  #ports: ServerPorts;
  #progress: StartProgress;
  #tail = new Tail();
  #child: Child | undefined;
  #startedMs: number;
  #readyMs: number | undefined;
  /** Of the start-up. */
  #timer: NodeJS.Timeout | undefined;
  #moves = 0;
  #starts = 0;
  #over = false;
  /** For good. */
  #stopped = false;

  constructor(plan: ServerPlan, ports: ServerPorts, log: LogFile, deps: ServerDeps) {
    this.plan = plan;
    this.#ports = ports;
    this.#log = log;
    this.#deps = deps;
    this.#startedMs = deps.now();
    this.#progress = new StartProgress(deps.now);
  }

  get url(): string {
    return `${this.plan.scheme}://${SERVER_HOST}:${this.port}`;
  }

  get port(): number {
    return this.#ports.port;
  }

  get logPath(): string {
    return this.#log.path;
  }

  /** Of the process that leads its session; undefined while none runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get bootstrapPort(): number | undefined {
    return this.#ports.bootstrapPort;
  }

  get phase(): Phase {
    return this.#progress.phase;
  }

  get progress(): StartProgress {
    return this.#progress;
  }

  get ready(): boolean {
    return this.#readyMs !== undefined && !this.#over;
  }

  /** How far its start is, 0 to 1. */
  get share(): number {
    return shareOf(this.phase);
  }

  /** How often it was started. */
  get starts(): number {
    return this.#starts;
  }

  /** Ended, or told to. */
  get over(): boolean {
    return this.#over;
  }

  /** Milliseconds since its start; until it was ready when it is. */
  get elapsedMs(): number {
    return (this.#readyMs ?? this.#deps.now()) - this.#startedMs;
  }

  /** Milliseconds since it was ready; 0 when it is not or was not before it ended. */
  get servedMs(): number {
    return this.#readyMs === undefined ? 0 : this.#deps.now() - this.#readyMs;
  }

  start(): void {
    this.#over = false;
    this.#readyMs = undefined;
    this.#moves = 0;
    this.#starts++;
    this.#startedMs = this.#deps.now();
    this.#timer = setTimeout(() => void this.#tooLate(), this.#timeoutMs).unref();
    this.#run();
    this.#deps.events.started(this);
  }

  /** Ends what runs of it and starts it once more; on its ports, where no other program has one now. */
  async restart(graceMs: number): Promise<void> {
    this.#end();
    await this.#child?.stop(graceMs);
    const lostUrl = this.url;
    const free = await Promise.all(this.#listensOn.map(isFree));
    if (free.includes(false)) this.#ports = await takePorts(this.plan, this.#deps.ports).catch(() => this.#ports);
    if (this.#stopped) return;
    this.#log.write(Buffer.from(`\n[${new Date().toISOString()} started again]\n`));
    if (this.url !== lostUrl) this.#deps.events.moved(this, lostUrl);
    this.start();
  }

  /** A health check at `url` was answered: by this server, as a rule. */
  async answered(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined || this.#over || this.#readyMs !== undefined) return;
    const listens = await groupListens(child.pid, this.port);
    // It may have ended meanwhile, or have been told already.
    if (this.#child !== child || this.#over || this.#readyMs !== undefined) return;
    if (listens === false) {
      this.#loseTo('another program answers on it');
      return;
    }
    this.#readyMs = this.#deps.now();
    clearTimeout(this.#timer);
    this.#progress.advance({ name: 'ready' });
    this.#deps.events.changed(this);
  }

  /** Ends it and everything it started; resolves with the pids that could not be ended. */
  async stop(graceMs: number): Promise<number[]> {
    this.#stopped = true;
    this.#end();
    const child = this.#child;
    const left = (await child?.stop(graceMs)) ?? [];
    if (left.length === 0) await child?.exited;
    await this.#log.close();
    return left;
  }

  /** As `stop`, without any grace. */
  async kill(): Promise<number[]> {
    this.#stopped = true;
    this.#end();
    return (await this.#child?.kill()) ?? [];
  }

  #run(): void {
    this.#progress = new StartProgress(this.#deps.now);
    this.#tail = new Tail();
    const reader = new LineReader();
    const child = new Child(this.plan.command(this.port, this.bootstrapPort), (chunk) => {
      this.#log.write(chunk);
      this.#read(child, reader.read(chunk));
    });
    this.#child = child;
    void child.exited.then((exit) => {
      this.#read(child, reader.end());
      void this.#ended(child, exit);
    });
  }

  #read(child: Child, lines: readonly string[]): void {
    if (lines.length === 0 || child !== this.#child) return;
    this.#tail.push(lines);
    this.#deps.events.output(this, lines);
    if (this.#readyMs !== undefined || this.#over) return;
    for (const line of lines) if (this.#progress.read(line)) this.#deps.events.changed(this);
    if (lines.some(saysReady)) this.#deps.events.warm(this);
    if (lines.some(saysPortTaken)) this.#loseTo('another program was sooner');
  }

  /** Left alone it would load a whole model and then hang; killed, its end is handled as that of any other. */
  #loseTo(who: string): void {
    this.#tail.push([`address already in use: port ${this.#listensOn.join(' or ')}, ${who}`]);
    void this.#child?.kill();
  }

  async #ended(child: Child, exit: Exit): Promise<void> {
    // What it had started must not hold on to the GPU or the port. Later its pid may be someone else's.
    await child.kill();
    if (this.#child !== child) return;
    this.#child = undefined;
    if (this.#over) return;
    const failure = endedFailure(this.#failing(), exit);
    if (failure.portTaken && this.#readyMs === undefined && this.#moves < PORT_RETRIES) return this.#move(failure);
    this.#fail(failure);
  }

  /** The same start on another port. */
  async #move(failure: Failure): Promise<void> {
    const lostUrl = this.url;
    this.#moves++;
    try {
      this.#ports = await takePorts(this.plan, this.#deps.ports);
    } catch {
      return this.#fail(failure);
    }
    if (this.#over) return;
    this.#run();
    this.#deps.events.moved(this, lostUrl);
    this.#deps.events.started(this);
  }

  async #tooLate(): Promise<void> {
    const failure = timeoutFailure(this.#failing(), this.#timeoutMs);
    this.#end();
    await this.#child?.kill();
    if (!this.#stopped) this.#deps.events.failed(this, failure);
  }

  get #listensOn(): readonly number[] {
    const { port, bootstrapPort } = this.#ports;
    return bootstrapPort === undefined ? [port] : [port, bootstrapPort];
  }

  get #timeoutMs(): number {
    return Math.min(this.#deps.startupTimeoutMs, LONGEST_MS);
  }

  /** From here on its end is no failure. */
  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  #fail(failure: Failure): void {
    this.#end();
    this.#deps.events.failed(this, failure);
  }

  #failing(): Failing {
    return {
      name: this.plan.name,
      address: `${SERVER_HOST}:${this.port}`,
      stage: this.#readyMs === undefined ? 'starting' : 'running',
      phase: this.phase,
      elapsedMs: this.#deps.now() - this.#startedMs,
      lines: this.#tail.lines,
      logPath: this.#log.path,
    };
  }
}
