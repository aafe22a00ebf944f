import { connect, type Socket } from 'node:net';
import { type Recorded, type RecordingWorker, recordingWorker } from '../../../test/helpers/recording-worker.ts';
import { descriptors, median, tcpEnds } from '../gauges.ts';
import { delay, type Findings, type Scenario } from '../scenario.ts';
import type { Router, Stage } from '../stage.ts';

const ABORTS = 10_000;
const AT_ONCE = 100;
/** Requests in flight at most, so that the rest of the crowd queues. */
const CAP = 64;
const CLOSED_WITHIN_MS = 100;
/** Longer than the router keeps idle connections to workers. */
const IDLE_MS = 6_000;

type Phase = 'body' | 'queued' | 'prefill' | 'stream' | 'whole';
const PHASES: readonly Phase[] = ['body', 'queued', 'prefill', 'stream', 'whole'];

/** The call to the worker that belongs to one client, from its arrival there to the end of its connection. */
interface Upstream {
  readonly came: Promise<void>;
  readonly closed: Promise<number>;
  readonly here: boolean;
}

export const aborts: Scenario = {
  about: '10,000 clients leave in every phase: the call to the worker is closed within 100 ms and nothing is left over',
  run: async (stage, { say }) => {
    const calls = new Map<string, Call>();
    const workers = await Promise.all(
      [0, 1].map(() => recordingWorker((request, socket) => arrive(calls, request, socket))),
    );
    for (const worker of workers) stage.use(worker);
    const flags = ['--max-concurrent-requests', String(CAP), '--queue-size', '1000', '--queue-timeout-secs', '60'];
    const router = await stage.router(
      workers.map(({ url }) => url),
      flags,
    );
    const before = await resting(router, workers);
    const lateMs: number[] = [];
    const done: Record<Phase, number> = { body: 0, queued: 0, prefill: 0, stream: 0, whole: 0 };
    let started = 0;
    const client = async () => {
      while (started < ABORTS) {
        const number = started++;
        const phase = PHASES[number % PHASES.length] as Phase;
        const call = new Call(phase);
        calls.set(String(number), call);
        await leaveIn(phase, router.url, number, call, lateMs);
        done[phase]++;
        calls.delete(String(number));
        if (started % 100 === 0) say(`${started} of ${ABORTS} clients have left`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, client));
    return await judge(stage, router, workers, { before, lateMs, done });
  },
};

class Call implements Upstream {
  readonly phase: Phase;
  readonly #came = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<number>();
  here = false;

  constructor(phase: Phase) {
    this.phase = phase;
  }

  get came(): Promise<void> {
    return this.#came.promise;
  }

  get closed(): Promise<number> {
    return this.#closed.promise;
  }

  arrive(socket: Socket): void {
    this.here = true;
    this.#came.resolve();
    socket.once('close', () => this.#closed.resolve(performance.now()));
  }
}

/** Answers as far as the phase in which the client will leave. */
function arrive(calls: Map<string, Call>, { target }: Recorded, socket: Socket): void {
  const number = /n=(\d+)/.exec(target)?.[1];
  const call = number === undefined ? undefined : calls.get(number);
  if (!call) {
    if (!target.includes('hold')) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    return;
  }
  call.arrive(socket);
  if (call.phase === 'stream') {
    const event = 'data: {"text":"one"}\n\n';
    const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
    socket.write(`${head}${event.length.toString(16)}\r\n${event}\r\n`);
  } else if (call.phase === 'whole') socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\npart');
}

async function leaveIn(phase: Phase, url: string, number: number, call: Call, lateMs: number[]): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), localAddress: `127.0.0.${2 + (number % 200)}` });
  socket.on('error', () => {});
  const length = phase === 'body' ? 100 : 2;
  socket.write(`POST /generate?n=${number} HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n{}`);
  const answered = new Promise<void>((resolve) => socket.once('data', () => resolve()));
  if (phase === 'body' || phase === 'queued') await delay(number % 10);
  else if (phase === 'prefill') await call.came;
  else await answered;
  const leftMs = performance.now();
  if (number % 2 === 0) socket.resetAndDestroy();
  else socket.destroy();
  if (phase === 'queued' && !call.here) await Promise.race([call.came, delay(20)]);
  if (call.here) lateMs.push((await call.closed) - leftMs);
}

interface Standing {
  readonly descriptors: number;
  readonly load: number;
}

/** Where the counters stand once idle connections have been given up. */
async function resting(router: Router, workers: readonly RecordingWorker[]): Promise<Standing> {
  const deadline = performance.now() + IDLE_MS;
  while (performance.now() < deadline && workers.some(({ sockets }) => sockets.size > 0)) await delay(50);
  const rows = await router.workers();
  await delay(100);
  return { descriptors: descriptors(router.pid), load: rows.reduce((sum, { load }) => sum + load, 0) };
}

async function judge(
  stage: Stage,
  router: Router,
  workers: readonly RecordingWorker[],
  seen: { before: Standing; lateMs: number[]; done: Record<Phase, number> },
): Promise<Findings> {
  const { before, lateMs, done } = seen;
  const after = await resting(router, workers);
  const connections = workers.reduce((sum, { sockets }) => sum + sockets.size, 0);
  const ports = new Set(workers.map(({ port }) => port));
  const kernel = tcpEnds().filter(({ remotePort }) => ports.has(remotePort)).length;
  const admitted = await fill(stage, router, workers);
  const sorted = lateMs.toSorted((a, b) => a - b);
  const nearlyAllMs = sorted[Math.floor(sorted.length * 0.99)] as number;
  const problems = router.over === undefined ? [] : [router.over];
  if (nearlyAllMs > CLOSED_WITHIN_MS)
    problems.push(
      `1 % of the calls to workers were closed later than ${nearlyAllMs.toFixed(0)} ms after their client had left`,
    );
  if (after.load !== 0) problems.push(`${after.load} requests are counted in flight, and none is`);
  if (connections + kernel > 0) problems.push(`${connections} connections to workers are left`);
  if (after.descriptors > before.descriptors + 2)
    problems.push(`descriptors: ${before.descriptors} before, ${after.descriptors} after`);
  if (admitted !== CAP) problems.push(`${admitted} of ${CAP} places are free`);
  const broken = workers.flatMap((worker) => worker.problems);
  return {
    figures: {
      ...done,
      'calls closed': lateMs.length,
      'closed after, p50 ms': median(lateMs).toFixed(1),
      'closed after, p99 ms': nearlyAllMs.toFixed(1),
      'closed after, max ms': sorted.at(-1)?.toFixed(1) ?? '',
      'in flight': after.load,
      'worker connections': connections,
      descriptors: `${before.descriptors} → ${after.descriptors}`,
      'places free': `${admitted} of ${CAP}`,
    },
    problems: [...problems, ...broken],
  };
}

/** Fills the router: as many requests as there are places must reach the workers at once, and not one more. */
async function fill(stage: Stage, router: Router, workers: readonly RecordingWorker[]): Promise<number> {
  const before = workers.reduce((sum, { total }) => sum + total, 0);
  const { hostname, port } = new URL(router.url);
  const sockets = Array.from({ length: CAP + 1 }, () => {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', () => {});
    socket.write('POST /generate?hold HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}');
    return socket;
  });
  stage.use({ [Symbol.asyncDispose]: async () => sockets.forEach((socket) => void socket.destroy()) });
  await delay(1_000);
  return workers.reduce((sum, { total }) => sum + total, 0) - before;
}
