import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { ExitError } from '../errors/errors.ts';

const TAIL_BYTES = 4000;
const STOP_MS = 5000;
const FIRST_PORT = 10_000;
const PORTS = 20_000;

/**
 * Runs its arguments, and kills them when standard input closes: as it does when this process ends, even by SIGKILL.
 * The watcher keeps nothing else open, and goes with whoever closes the input.
 */
const GUARDED = 'exec 3<&0; (cat <&3; kill -9 $$) >/dev/null 2>&1 & exec "$@" 3<&- </dev/null';

/** Another program, started for the time of a run. */
export class Program {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #exited: Promise<unknown>;
  #output = '';
  #failure: Error | undefined;

  constructor(name: string, file: string, args: readonly string[]) {
    this.#name = name;
    this.#child = spawn('sh', ['-c', GUARDED, 'sh', file, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.on('error', (error) => {
      this.#failure = error;
    });
    // Not 'close': a process that it has left behind may hold its output open.
    this.#exited = once(this.#child, 'exit').catch(() => {});
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-TAIL_BYTES);
      });
    }
  }

  /** The end of what it wrote. */
  get output(): string {
    return this.#output;
  }

  /** Asks every few milliseconds until `ready` says more than undefined; throws an ExitError when the program ends or `timeoutMs` pass before. */
  async until<T>(ready: () => Promise<T | undefined> | T | undefined, timeoutMs: number): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      if (this.over) throw this.#failed('ended before it was ready');
      const result = await ready();
      if (result !== undefined) return result;
      if (performance.now() > deadline) throw this.#failed(`was not ready within ${timeoutMs / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Throws an ExitError where it has ended. */
  assertRunning(): void {
    if (this.over) throw this.#failed('ended during the run');
  }

  get over(): boolean {
    return this.#failure !== undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    if (this.over) return;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Asks it to end, and after a while no longer asks. */
  async stop(): Promise<void> {
    if (this.over) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #failed(what: string): ExitError {
    const said = this.#failure?.message ?? this.#output.trimEnd().split('\n').slice(-8).join('\n  ');
    return new ExitError('bench_failed', `${this.#name} ${what}${said ? `:\n  ${said}` : ''}`);
  }
}

/** Ports that nothing listens on now, all different; below the ephemeral range, where a connection might take one meanwhile. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
