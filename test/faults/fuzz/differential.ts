import assert from 'node:assert/strict';
import type { RequestHead } from '../../../src/http/edge/request-head.ts';
import { type ParserListener, RequestParser } from '../../../src/http/edge/request-parser.ts';
import { type FuzzCase, fuzzCase } from './case.ts';
import { type ReadRequest, readWithNode } from './node-parser.ts';

export interface Difference {
  readonly seed: number;
  readonly what: string;
}

/** What came of comparing the router's parser with Node's on many cases. */
export interface Comparison {
  readonly cases: number;
  /** Requests that both read, and read alike. */
  readonly alike: number;
  /** Requests that Node reads and the router refuses. */
  readonly stricter: number;
  readonly differences: readonly Difference[];
}

const MOST_DIFFERENCES = 20;
const MOST_HEAD_BYTES = 64 * 1024;

/** Gives the same bytes to Node's parser and to the router's, cases `seed`, `seed + 1` … */
export function compareWithNode(seed: number, cases: number): Comparison {
  let alike = 0;
  let stricter = 0;
  const differences: Difference[] = [];
  for (let i = 0; i < cases && differences.length < MOST_DIFFERENCES; i++) {
    const fuzzed = fuzzCase(seed + i);
    const pieces = piecesOf(fuzzed);
    const theirs = readWithNode(pieces);
    const ours = readWithOurs(pieces);
    alike += ours.length;
    stricter += Math.max(0, theirs.length - ours.length);
    const what = differenceOf(ours, theirs, fuzzed);
    if (what !== undefined) differences.push({ seed: fuzzed.seed, what });
  }
  return { cases, alike, stricter, differences };
}

function differenceOf(
  ours: readonly ReadRequest[],
  theirs: readonly ReadRequest[],
  { clean, requests }: FuzzCase,
): string | undefined {
  for (const [i, request] of ours.entries()) {
    const other = theirs[i];
    if (!other) return `Node refuses request ${i}, which the router reads as ${JSON.stringify(request)}`;
    try {
      assert.deepEqual({ ...request.headers }, { ...other.headers });
      assert.deepEqual({ ...request, headers: {} }, { ...other, headers: {} });
    } catch {
      return `request ${i} is to the router ${JSON.stringify(request)} and to Node ${JSON.stringify(other)}`;
    }
  }
  return clean && ours.length !== requests.length
    ? `nothing was wrong, but the router reads ${ours.length} of ${requests.length} requests`
    : undefined;
}

function piecesOf({ bytes, cuts }: FuzzCase): Buffer[] {
  const ends = [...cuts, bytes.length];
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end)).filter(({ length }) => length > 0);
}

/** The requests that the router's parser reads whole from these pieces, up to one that closes its connection. */
function readWithOurs(pieces: readonly Buffer[]): ReadRequest[] {
  const reader = new Reader();
  try {
    for (const piece of pieces) reader.feed(piece);
  } catch (error) {
    assert.equal((error as Error).name, 'RouterError', String((error as Error).stack));
  }
  return reader.requests;
}

class Reader implements ParserListener {
  readonly requests: ReadRequest[] = [];
  readonly #parser = new RequestParser(this, MOST_HEAD_BYTES);
  #head: RequestHead | undefined;
  #body = '';
  #rest: Buffer | undefined;
  #closes = false;

  constructor() {
    this.#parser.expect();
  }

  feed(piece: Buffer): void {
    for (let next: Buffer | undefined = piece; next && !this.#closes; ) {
      this.#parser.feed(next);
      next = this.#rest;
      this.#rest = undefined;
    }
  }

  head(head: RequestHead): void {
    this.#head = head;
    this.#closes = !head.keepsAlive && head.length === 0;
  }

  data(chunk: Buffer): void {
    this.#body += chunk.toString('latin1');
  }

  end(rest: Buffer): void {
    const { method, url, minor, headers, keepsAlive } = this.#head as RequestHead;
    this.requests.push({ method, url, minor, headers, body: this.#body });
    this.#body = '';
    this.#closes = !keepsAlive;
    this.#rest = rest;
    this.#parser.expect();
  }
}
