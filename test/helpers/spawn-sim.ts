import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

/** A simulated engine in a process of its own. */
export interface SimProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** What it has logged so far. */
  readonly lines: readonly string[];
  /** Resolves with the first line that matches; rejects if the process ends without one. */
  line(pattern: RegExp): Promise<string>;
  /** The address it says it listens on. */
  url(): Promise<string>;
  /** Resolves when the process is gone. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts `sim-engine` with the flags, on a free port unless they name one; its standard input is a pipe. */
export function spawnSim(flags: readonly string[] = []): SimProcess {
  const args = [MAIN, 'sim-engine', '--port', '0', ...flags];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const waiting: { pattern: RegExp; found: (line: string) => void; gone: (error: Error) => void }[] = [];
  const reader = createInterface({ input: child.stderr });
  reader.on('line', (line) => {
    lines.push(line);
    for (const { pattern, found } of waiting) if (pattern.test(line)) found(line);
  });
  reader.on('close', () => {
    for (const { pattern, gone } of waiting) gone(new Error(`no line ${pattern} in:\n${lines.join('\n')}`));
  });
  const line = (pattern: RegExp) => {
    const before = lines.find((one) => pattern.test(one));
    if (before !== undefined) return Promise.resolve(before);
    return new Promise<string>((found, gone) => waiting.push({ pattern, found, gone }));
  };
  const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  return {
    child,
    lines,
    line,
    url: async () => /on (http\S+)/.exec(await line(/Uvicorn running on/))?.[1] ?? '',
    exited,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
