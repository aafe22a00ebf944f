import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readProcessTableAtOnce } from '../../src/os/process-table.ts';

export const FIXTURES = fileURLToPath(new URL('../fixtures/launch/', import.meta.url));
export const ENGINE = `${FIXTURES}engine.ts`;

/** Resolves when none of the processes lives any more; throws after 20 s. */
export async function gone(...pids: number[]): Promise<void> {
  for (let left = 400; left > 0; left--) {
    const table = readProcessTableAtOnce() ?? [];
    if (!table.some(({ pid }) => pids.includes(pid))) return;
    await delay(50);
  }
  throw new Error(`still alive: ${pids.filter(isAlive)}`);
}

export function isAlive(pid: number): boolean {
  return (readProcessTableAtOnce() ?? []).some((entry) => entry.pid === pid);
}

/** A program whose output can be waited for. */
export class Program {
  readonly process;
  readonly exited: Promise<readonly [code: number | null, signal: NodeJS.Signals | null]>;
  output = '';
  readonly #waiting: (() => void)[] = [];
  #ended = false;

  constructor(file: string, args: readonly string[], options: { env?: NodeJS.ProcessEnv; detached?: boolean } = {}) {
    const { env, detached = false } = options;
    this.process = spawn(file, args, { env: { ...process.env, ...env }, detached, stdio: ['pipe', 'pipe', 'pipe'] });
    this.process.stdout.on('data', (chunk) => this.#read(chunk));
    this.process.stderr.on('data', (chunk) => this.#read(chunk));
    this.exited = once(this.process, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    this.process.once('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** The first match in the output, now or when it comes; throws when the program ends without it. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output);
      if (match) return match;
      if (this.#ended) throw new Error(`ended without ${pattern}:\n${this.output}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** All pids that fixtures told of. */
  pids(): number[] {
    return Array.from(this.output.matchAll(/(?:\]|child|server|scheduler) pid (\d+)/g), ([, pid]) => Number(pid));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #read(chunk: Buffer): void {
    this.output += chunk;
    this.#wake();
  }
}
