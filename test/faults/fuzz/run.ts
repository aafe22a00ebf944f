import { once } from 'node:events';
import { connect } from 'node:net';
import { type Recorded, type RecordingWorker, recordingWorker } from '../../helpers/recording-worker.ts';
import { readResponse, valuesOf } from '../../helpers/strict-http.ts';
import { type FuzzCase, fuzzCase, isFrontPage, keyOf } from './case.ts';

export interface FuzzOptions {
  readonly seed: number;
  readonly cases: number;
  readonly connections: number;
  /** Called now and then with the number of cases done. */
  readonly progress?: (done: number) => void;
}

/** One case in which the router did what it must not. */
export interface Finding {
  readonly seed: number;
  readonly what: string;
}

export interface FuzzResult {
  readonly cases: number;
  /** Requests that the worker read. */
  readonly read: number;
  /** Answers of the worker that came back. */
  readonly answered: number;
  /** Refusals of the router. */
  readonly refused: number;
  readonly findings: readonly Finding[];
}

/** A worker for a fuzz run: it answers every request with what it read. */
export interface FuzzWorker extends AsyncDisposable {
  readonly worker: RecordingWorker;
  /** What requests may come, and how often still. */
  readonly awaited: Map<string, number>;
  readonly findings: Finding[];
}

const HANG_MS = 30_000;
/** Cases whose requests are still known after they have ended: what comes late is late, not smuggled. */
const REMEMBERED = 5_000;
const MOST_FINDINGS = 20;
/** Of the front page. */
const OWN_ANSWERS: ReadonlySet<number> = new Set([200, 302, 405]);
const REFUSALS: ReadonlySet<number> = new Set([400, 405, 408, 413, 414, 417, 431, 501]);

export async function fuzzWorker(): Promise<FuzzWorker> {
  const awaited = new Map<string, number>();
  const findings: Finding[] = [];
  const worker = await recordingWorker((request, socket) => {
    worker.requests.length = 0;
    const key = keyOf(request);
    const left = awaited.get(key) ?? 0;
    if (left === 0) findings.push({ seed: seedIn(request), what: `the worker read what nobody sent: ${key}` });
    else awaited.set(key, left - 1);
    const seen = Buffer.from(key, 'latin1').toString('base64url');
    socket.write(`HTTP/1.1 200 OK\r\nx-seen: ${seen}\r\ncontent-length: ${request.method === 'HEAD' ? 0 : 2}\r\n\r\n`);
    if (request.method !== 'HEAD') socket.write('ok');
  });
  return { worker, awaited, findings, [Symbol.asyncDispose]: () => worker.close() };
}

/** Runs the cases `seed`, `seed + 1` … against the router, many connections at once. */
export async function fuzz(routerUrl: string, upstream: FuzzWorker, options: FuzzOptions): Promise<FuzzResult> {
  const { awaited, findings, worker } = upstream;
  const before = worker.total;
  const remembered: FuzzCase[] = [];
  let [started, done, answered, refused] = [0, 0, 0, 0];
  const one = async () => {
    while (started < options.cases && findings.length < MOST_FINDINGS) {
      const number = started++;
      const fuzzed = fuzzCase(options.seed + number);
      for (const request of fuzzed.requests) count(awaited, keyOf(request), 1);
      const result = await play(routerUrl, fuzzed, number);
      answered += result.answered;
      refused += result.refused;
      if (result.problem !== undefined) findings.push({ seed: fuzzed.seed, what: result.problem });
      remembered.push(fuzzed);
      if (remembered.length > REMEMBERED) forget(awaited, remembered.shift()!);
      if (++done % 100 === 0) options.progress?.(done);
    }
  };
  await Promise.all(Array.from({ length: options.connections }, one));
  findings.push(...worker.problems.map((what) => ({ seed: Number.NaN, what: `the worker got no HTTP: ${what}` })));
  return { cases: done, read: worker.total - before, answered, refused, findings };
}

interface Played {
  readonly answered: number;
  readonly refused: number;
  readonly problem: string | undefined;
}

/** Writes one case and reads what comes back to the end. */
async function play(routerUrl: string, fuzzed: FuzzCase, number: number): Promise<Played> {
  const { hostname, port } = new URL(routerUrl);
  // Another address now and then: ports that have been used are not free again at once.
  const localAddress = `127.0.0.${2 + (number % 200)}`;
  const socket = connect({ host: hostname, port: Number(port), localAddress, noDelay: true, allowHalfOpen: true });
  const reading = new Answers(fuzzed);
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    reading.problem ??= 'the connection was neither answered nor closed';
    socket.destroy();
  }, HANG_MS);
  socket.on('error', () => {});
  socket.on('close', () => over.resolve());
  socket.on('end', () => socket.end());
  socket.on('data', (chunk: Buffer) => {
    reading.data(chunk);
    if (reading.problem !== undefined || (reading.complete && fuzzed.rest === 'nothing')) socket.resetAndDestroy();
    else if (reading.complete && fuzzed.rest === 'part of a request') socket.end();
  });
  await Promise.race([once(socket, 'connect'), over.promise]).catch(() => {});
  let at = 0;
  for (const cut of [...fuzzed.cuts, fuzzed.bytes.length]) {
    if (!socket.writable) break;
    socket.write(fuzzed.bytes.subarray(at, cut));
    at = cut;
    await new Promise(setImmediate);
  }
  // Nothing of it can be answered: what the router makes of the end is all there is to see.
  if (fuzzed.requests.length === 0 && fuzzed.rest !== 'refused' && socket.writable) socket.end();
  await over.promise;
  clearTimeout(timer);
  reading.closed();
  return reading;
}

/** Checks the answers on one connection as they come. */
class Answers {
  answered = 0;
  refused = 0;
  problem: string | undefined;
  readonly #case: FuzzCase;
  #bytes: Buffer = Buffer.alloc(0);
  #closing = false;

  constructor(fuzzed: FuzzCase) {
    this.#case = fuzzed;
  }

  /** Every request that there may be is answered. */
  get complete(): boolean {
    return this.answered + this.refused >= this.#case.requests.length;
  }

  data(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    this.#read(false);
  }

  closed(): void {
    const { clean, requests } = this.#case;
    this.#read(true);
    if (!clean || this.problem !== undefined || this.answered === requests.length) return;
    this.problem = `nothing was wrong, but ${this.answered} of ${requests.length} requests were answered by the worker`;
  }

  #read(closed: boolean): void {
    try {
      while (this.problem === undefined && this.#bytes.length > 0 && this.#next(closed));
    } catch (error) {
      this.problem = `the client got no HTTP: ${(error as Error).message}`;
    }
  }

  #next(closed: boolean): boolean {
    const { requests, rest } = this.#case;
    const request = requests[this.answered + this.refused];
    const answer = readResponse(this.#bytes, 0, request?.method ?? 'GET', closed);
    if (!answer) return false;
    this.#bytes = this.#bytes.subarray(answer.end);
    if (answer.status < 200) return true;
    if (this.#closing) this.problem = `an answer after one that closes the connection: ${answer.startLine}`;
    this.#closing = valuesOf(answer.headers, 'connection').includes('close');
    const [seen] = valuesOf(answer.headers, 'x-seen');
    if (seen !== undefined) this.#fromWorker(Buffer.from(seen, 'base64url').toString('latin1'));
    else if (request && isFrontPage(request) && OWN_ANSWERS.has(answer.status)) this.answered++;
    // The front page is answered when its head has come, whatever the body turns out to be.
    else if (!request && rest === 'refused' && OWN_ANSWERS.has(answer.status)) this.refused++;
    else if (REFUSALS.has(answer.status)) this.refused++;
    else this.problem = `${answer.startLine} for request ${this.answered} (${rest}): ${answer.body}`;
    return true;
  }

  #fromWorker(key: string): void {
    const request = this.#case.requests[this.answered + this.refused];
    const expected = request && keyOf(request);
    if (key !== expected) this.problem = `expected the answer to ${expected}, got that to ${key}`;
    this.answered++;
  }
}

function count(awaited: Map<string, number>, key: string, by: number): void {
  awaited.set(key, (awaited.get(key) ?? 0) + by);
}

function forget(awaited: Map<string, number>, { requests }: FuzzCase): void {
  for (const request of requests) awaited.delete(keyOf(request));
}

function seedIn({ target, headers }: Recorded): number {
  const [mark = /c=([\d.]+)/.exec(target)?.[1]] = valuesOf(headers, 'x-fuzz');
  return Number.parseInt(mark ?? '', 10);
}
