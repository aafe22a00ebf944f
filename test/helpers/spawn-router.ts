import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const EXIT_WITH_PARENT = new URL('../fixtures/exit-with-parent.ts', import.meta.url).href;

/** The words of a command that runs `router`; it ends when its standard input does. */
export const ROUTER_COMMAND: readonly string[] = [process.execPath, '--import', EXIT_WITH_PARENT, MAIN, 'router'];

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

/** A port that nobody holds now; below the ephemeral range, where a connection might take it before the router does. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('listening', () => resolve(true)).once('error', () => resolve(false));
      server.listen(port, '127.0.0.1');
    });
    server.close();
    if (free) return port;
  }
}

/** Starts `router` with these flags on a free port, without one for metrics unless they name it, and waits until it listens and, where it has workers, one of them is ready. */
export async function spawnRouter(flags: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<RouterProcess> {
  for (;;) {
    try {
      return await startRouter(flags, env);
    } catch (error) {
      // Another process was faster.
      if (!/the port is in use/.test((error as Error).message)) throw error;
    }
  }
}

async function startRouter(flags: readonly string[], env: NodeJS.ProcessEnv): Promise<RouterProcess> {
  const [file = '', ...args] = ROUTER_COMMAND;
  const port = await freePort();
  const child = spawn(file, [...args, '--port', String(port), '--prometheus-port', '0', ...flags], {
    stdio: ['pipe', 'pipe', 'pipe'],
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
  // Above level info it does not say that it listens.
  if (flags.includes('warning')) listening.resolve(answers(`http://127.0.0.1:${port}`, child));
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

async function answers(url: string, child: ChildProcess): Promise<string> {
  while (child.exitCode === null) {
    const answer = await fetch(`${url}/health`).catch(() => undefined);
    if (answer?.ok) return url;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`the router ended with ${child.exitCode}`);
}

async function ready(url: string): Promise<void> {
  for (;;) {
    const { ok } = await fetch(`${url}/readiness`);
    if (ok) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
