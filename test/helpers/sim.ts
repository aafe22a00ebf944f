import { randomInt, randomUUID } from 'node:crypto';
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

/** A prefill and a decode server in this process. */
export interface TestPair extends AsyncDisposable {
  readonly prefill: TestSim;
  readonly decode: TestSim;
  readonly bootstrapPort: number;
  /** The same body to both, with the fields that let them meet; a room of its own unless one is given. */
  ask(path: string, body: object, options?: PairOptions): [Promise<Response>, Promise<Response>];
}

export interface PairOptions {
  /** JSON text; drawn if not given. */
  readonly room?: string;
  readonly port?: number;
  readonly prefill?: RequestInit;
  readonly decode?: RequestInit;
}

/** Starts both with the same further flags. */
export async function startPair(flags: readonly string[] = []): Promise<TestPair> {
  const prefill = await startSim([
    '--disaggregation-mode',
    'prefill',
    '--disaggregation-bootstrap-port',
    '0',
    ...flags,
  ]);
  const decode = await startSim(['--disaggregation-mode', 'decode', ...flags]);
  const bootstrapPort = bootstrapPortOf(prefill.lines);
  return {
    prefill,
    decode,
    bootstrapPort,
    ask: (path, body, options = {}) => {
      const text = pairBody(body, options.port ?? bootstrapPort, options.room ?? newRoom());
      return [prefill.post(path, text, options.prefill), decode.post(path, text, options.decode)];
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([prefill[Symbol.asyncDispose](), decode[Symbol.asyncDispose]()]);
    },
  };
}

/** The port that a prefill server says decode servers come to. */
export function bootstrapPortOf(lines: readonly string[]): number {
  return Number(/Bootstrap server running on http:\/\/\S+:(\d+)/.exec(lines.join('\n'))?.[1]);
}

/** A body with the fields of a pair; the room is JSON text, as it may need more than 53 bits. */
export function pairBody(body: object, port: number, room: string): string {
  const fields = JSON.stringify({ ...body, bootstrap_host: '127.0.0.1', bootstrap_port: port });
  return `${fields.slice(0, -1)},"bootstrap_room":${room}}`;
}

/** A room as routers draw them: 62 bits. */
export function newRoom(): string {
  return String(2n ** 61n + BigInt(randomInt(2 ** 47)));
}
