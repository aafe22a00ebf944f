import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

/** A router in a process of its own. */
export interface RouterProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly url: string;
  /** The last lines that it has logged. */
  readonly lines: readonly string[];
  /** Resolves when the process is gone. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

const KEPT_LINES = 1_000;

/** Starts `router` with these flags, which must name a port, without a port for metrics unless they name one, and waits until it listens and, where it has workers, one of them is ready. */
export async function spawnRouter(flags: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<RouterProcess> {
  const child = spawn(process.execPath, [MAIN, 'router', '--prometheus-port', '0', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  const lines: string[] = [];
  const listening = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
      const url = /router listens on (http[^\s"]+)/.exec(line)?.[1];
      if (url) listening.resolve(url);
    });
  }
  exited.then(({ code }) => listening.reject(new Error(`the router ended with ${code}:\n${lines.join('\n')}`)));
  const url = await listening.promise;
  if (flags.includes('--worker-urls')) await ready(url);
  return {
    child,
    url,
    lines,
    exited,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function ready(url: string): Promise<void> {
  for (;;) {
    const { ok } = await fetch(`${url}/readiness`);
    if (ok) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
