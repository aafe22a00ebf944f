import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { freePort } from '../../test/helpers/spawn-router.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

/** A simulated engine in a process of its own, always on the same port. */
export class Engine {
  readonly url: string;
  readonly port: number;
  /** Of a prefill server; 0 else. */
  readonly bootstrapPort: number;
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, flags: readonly string[], bootstrapPort = 0) {
    this.port = port;
    this.bootstrapPort = bootstrapPort;
    this.url = `http://127.0.0.1:${port}`;
    this.#flags = flags;
  }

  /** Takes a free port and starts on it; resolves when it serves. */
  static async start(flags: readonly string[]): Promise<Engine> {
    const engine = new Engine(await freePort(), flags);
    await engine.start();
    return engine;
  }

  /** The same, of a pair. */
  static async startHalf(mode: 'prefill' | 'decode', flags: readonly string[]): Promise<Engine> {
    const bootstrapPort = mode === 'prefill' ? await freePort() : 0;
    const own = ['--disaggregation-mode', mode, '--disaggregation-bootstrap-port', String(bootstrapPort)];
    const engine = new Engine(await freePort(), [...own, ...flags], bootstrapPort);
    await engine.start();
    return engine;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Starts it (again), with further flags if any; resolves when it serves. */
  async start(more: readonly string[] = []): Promise<void> {
    const flags = ['--port', String(this.port), '--exit-with-parent', '--enable-metrics', ...this.#flags, ...more];
    const child = spawn(process.execPath, [MAIN, 'sim-engine', ...flags], { stdio: ['pipe', 'ignore', 'pipe'] });
    this.#child = child;
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined;
    });
    const lines = createInterface({ input: child.stderr });
    const tail: string[] = [];
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => {
        if (tail.length < 20) tail.push(line);
        if (line.includes('ready to roll')) resolve();
      });
      child.once('exit', () => reject(new Error(`an engine did not start:\n${tail.join('\n')}`)));
    });
  }

  /** Ends it as a crash would. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Asks it to end; requests under way may finish. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** It neither reads nor writes until `resume`; its connections stay. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
}
