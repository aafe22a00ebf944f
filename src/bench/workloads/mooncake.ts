import { BLOCK_TOKENS, type TraceRow } from '../../observe/traffic/trace-row.ts';
import { Random } from '../random.ts';
import { sessionsOf } from './trace-sessions.ts';
import type { Workload } from './workload.ts';

const REQUESTS = 160;
const PER_SEC = 4;
const SYSTEM_PROMPTS = 12;
const SYSTEM_BLOCKS = 2;
/** Chance that a conversation goes on after an answer. */
const ANOTHER_TURN = 0.42;
const MEDIAN_TURN_TOKENS = 4000;
const TURN_SIGMA = 1.1;
const LONGEST_TOKENS = 100_000;
const MEDIAN_OUTPUT_TOKENS = 40;
const OUTPUT_SIGMA = 0.6;
const MEAN_PAUSE_MS = 6000;

/** Long prompts of conversations, as the trace published with Mooncake has them: about 12,000 tokens, a third of them seen before. */
export const MOONCAKE: Workload = {
  name: 'mooncake',
  about: 'long conversations as in the Mooncake trace: about 12,000 tokens, a third of them seen before, 4 a second',
  build({ seed, scale, requestRate = PER_SEC, maxConcurrency = Number.POSITIVE_INFINITY }) {
    const rows = generateTrace(seed, Math.max(1, Math.round(REQUESTS * scale)), requestRate);
    return { api: 'generate', sessions: sessionsOf(rows, seed), maxConcurrency };
  },
};

/** A trace of conversations that arrive at random; `perSec` counts requests. Sorted by time. */
export function generateTrace(seed: number, requests: number, perSec: number): TraceRow[] {
  const random = new Random(seed);
  const ids = idSource(SYSTEM_PROMPTS * SYSTEM_BLOCKS);
  const rows: TraceRow[] = [];
  let atMs = 0;
  // Conversations that began earlier still go on: without some more of them the end would be thinly populated.
  while (rows.length < requests * 1.2) {
    rows.push(...conversation(random, ids, atMs));
    atMs += random.exponential(1000 / perSec / (1 - ANOTHER_TURN));
  }
  return rows.sort((a, b) => a.timestamp - b.timestamp).slice(0, requests);
}

function conversation(random: Random, newId: () => number, startMs: number): TraceRow[] {
  const rows: TraceRow[] = [];
  const system = random.zipf(SYSTEM_PROMPTS);
  let ids = Array.from({ length: SYSTEM_BLOCKS }, (_, block) => system * SYSTEM_BLOCKS + block);
  let full = ids.length;
  let tokens = full * BLOCK_TOKENS;
  let atMs = startMs;
  do {
    tokens += Math.ceil(random.lognormal(MEDIAN_TURN_TOKENS, TURN_SIGMA));
    if (tokens > LONGEST_TOKENS) break;
    // Only full blocks keep their id: the last one becomes another one when the conversation has grown.
    ids = ids.slice(0, full);
    while (ids.length * BLOCK_TOKENS < tokens) ids.push(newId());
    full = Math.floor(tokens / BLOCK_TOKENS);
    const output = Math.ceil(random.lognormal(MEDIAN_OUTPUT_TOKENS, OUTPUT_SIGMA));
    rows.push({ timestamp: Math.round(atMs), input_length: tokens, output_length: output, hash_ids: ids });
    tokens += output;
    atMs += random.exponential(MEAN_PAUSE_MS);
  } while (random.next() < ANOTHER_TURN);
  return rows;
}

function idSource(first: number): () => number {
  let next = first;
  return () => next++;
}
