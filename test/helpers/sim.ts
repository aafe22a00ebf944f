import { randomUUID } from 'node:crypto';
import { runEngine } from '../../src/sim/main.ts';
import { parseSimOptions } from '../../src/sim/parse-options.ts';

/** A simulated engine in this process, on a port of its own. */
export interface TestSim extends AsyncDisposable {
  readonly url: string;
  /** What it has logged. */
  readonly lines: readonly string[];
  /** Resolves when a fault has ended the "process". */
  readonly died: Promise<void>;
  get(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>;
}

/** So fast that no test has to wait for simulated time. */
const FAST = ['--sim-prefill-tokens-per-sec', '1e9', '--sim-decode-base-ms', '0.1', '--sim-decode-per-running-ms', '0'];

/** Starts an engine and waits until it is ready; a flag given again in `flags` counts. */
export async function startSim(flags: readonly string[] = []): Promise<TestSim> {
  const parsed = parseSimOptions(['--port', '0', ...FAST, ...flags]);
  if (parsed.kind === 'help') throw new Error('expected options');
  const lines: string[] = [];
  const stop = Promise.withResolvers<{ atOnce: boolean }>();
  const died = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<void>();
  const say = (line: string) => {
    lines.push(line);
    if (line.includes('ready to roll')) ready.resolve();
  };
  const ended = runEngine({
    options: parsed.options,
    commandLine: '',
    newId: () => randomUUID().replaceAll('-', ''),
    say,
    die: died.resolve,
    stopped: stop.promise,
  });
  await Promise.race([ready.promise, ended]);
  const url = /Uvicorn running on (\S+)/.exec(lines.join('\n'))?.[1] ?? '';
  return {
    url,
    lines,
    died: died.promise,
    get: (path, init) => fetch(url + path, init),
    post: (path, body, init) =>
      fetch(url + path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), ...init }),
    [Symbol.asyncDispose]: async () => {
      stop.resolve({ atOnce: true });
      await ended;
    },
  };
}

/** The JSON events of a whole SSE answer and whether `[DONE]` was the last. */
export async function readEvents(response: Response): Promise<{ events: Json[]; done: boolean }> {
  const data = (await response.text()).split('\n').filter((line) => line.startsWith('data: '));
  const done = data.at(-1) === 'data: [DONE]';
  const events = data.filter((line) => line !== 'data: [DONE]').map((line) => JSON.parse(line.slice(6)));
  return { events, done };
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
export type Json = any;
