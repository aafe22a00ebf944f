/**
 * What routing by prefix costs: `npm run bench:index`. Prints microseconds for the index (hash, match and insert together),
 * for reading the prompt of a body, and for a whole choice; the longest pauses, and the memory of a million prompts.
 */
import { parseArgs } from 'node:util';
import { RequestHints } from '../src/data/prompt/hints.ts';
import { Blocks } from '../src/scheduler/index/blocks.ts';
import { PrefixIndex } from '../src/scheduler/index/prefix-index.ts';
import { CacheAwarePolicy, DROPPED_AT_ONCE } from '../src/scheduler/policies/cache-aware.ts';
import type { Candidate } from '../src/scheduler/policies/policy.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const TREE_SIZE = 16_777_216;

const { values } = parseArgs({ options: { prompts: { type: 'string', default: '1000000' } } });

const blocks = new Blocks();
const row = (what: string, value: string, target = '') =>
  console.log(`${what.padEnd(58)}${value.padStart(14)}  ${target}`);
const microseconds = (us: number) => `${us.toFixed(1)} µs`;

/** Microseconds a call, the median of five rounds. */
function timeOf(calls: number, call: (n: number) => void): number {
  const rounds = Array.from({ length: 5 }, (_, round) => {
    const start = performance.now();
    for (let n = 0; n < calls; n++) call(round * calls + n);
    return ((performance.now() - start) / calls) * 1000;
  });
  return rounds.sort((a, b) => a - b)[2] as number;
}

/** A prompt of `bytes` whose first quarter is shared by all and whose rest is unlike any other's. */
function promptMaker(bytes: number): (n: number) => Buffer {
  const prompt = Buffer.alloc(bytes + 1, 'some words of a prompt, ').subarray(1);
  return (n) => {
    prompt.write(String(n).padStart(12, '0'), bytes / 4, 'latin1');
    return prompt;
  };
}

function benchIndex(name: string, bytes: number, calls: number, target: string): void {
  const slots = Array.from({ length: 8 }, (_, slot) => slot);
  const found = new Int32Array(8);
  const prompt = promptMaker(bytes);
  const index = new PrefixIndex(TREE_SIZE);
  const serve = (n: number) => {
    index.match(blocks.hash(prompt(n)), slots, found);
    index.insert(blocks, n % 8);
  };
  row(`hash ${name}`, microseconds(timeOf(calls, (n) => void blocks.hash(prompt(n)))));
  row(`look up and insert ${name}, not seen before`, microseconds(timeOf(calls, serve)), target);
  row(`look up and insert ${name}, known`, microseconds(timeOf(calls, (n) => serve(n % calls))), target);
}

function benchMemory(prompts: number): void {
  const index = new PrefixIndex(TREE_SIZE);
  const prompt = promptMaker(8 * KIB);
  const before = process.memoryUsage.rss();
  const start = performance.now();
  for (let n = 0; n < prompts; n++) index.insert(blocks.hash(prompt(n)), n % 8);
  const us = ((performance.now() - start) / prompts) * 1000;
  const grown = (process.memoryUsage.rss() - before) / MIB;
  row(`${prompts.toLocaleString('en')} distinct prompts of 8 KB: each`, microseconds(us));
  row('  entries', index.size.toLocaleString('en'), `at most ${(TREE_SIZE * 1.125).toLocaleString('en')}`);
  row('  memory of the index', `${(index.bytes / MIB).toFixed(0)} MiB`);
  row('  growth of the process (RSS)', `${grown.toFixed(0)} MiB`);
}

/** A chat of several messages or one long one; `unit` is repeated until its JSON is as long as asked for. */
function chatBody(bytes: number, unit: string, messages: number): Buffer {
  const content = unit.repeat(Math.ceil(bytes / messages / (JSON.stringify(unit).length - 2)));
  const said = Array.from({ length: messages }, (_, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }));
  return Buffer.from(JSON.stringify({ model: 'm', messages: said, stream: true, max_tokens: 10 }));
}

function benchPrompt(): void {
  const prose = 'What a user asks in plain words, one after the other. ';
  const code = 'const value = "text" + other(1);\n  return value;\n';
  const read = (what: string, url: string, body: Buffer, calls: number) => {
    const request = { url, headers: {} };
    row(
      `read the prompt of ${what}`,
      microseconds(timeOf(calls, () => void new RequestHints(request, { body }).prompt)),
    );
  };
  const chat = '/v1/chat/completions';
  read('a chat of 2 KB in 8 messages', chat, chatBody(2 * KIB, prose, 8), 20_000);
  read('a chat of 8 KB of prose', chat, chatBody(8 * KIB, prose, 1), 20_000);
  read('a chat of 8 KB of code', chat, chatBody(8 * KIB, code, 1), 10_000);
  read('a chat of 1 MiB of prose', chat, chatBody(MIB, prose, 1), 100);
  read('a chat of 1 MiB of code', chat, chatBody(MIB, code, 1), 40);
  const ids = { input_ids: Array.from({ length: MIB / 6 }, (_, i) => 10_000 + (i % 50_000)) };
  read('1 MiB of token ids', '/generate', Buffer.from(JSON.stringify(ids)), 40);
  const hostile = Buffer.from(`{"messages":[${'"",'.repeat(3 * MIB)}""]}`);
  read('9 MiB of empty strings', chat, hostile, 2);
  const body = chatBody(8 * KIB, code, 1);
  row('  JSON.parse of the 8 KB of code', microseconds(timeOf(5_000, () => void JSON.parse(body.toString()))));
}

function benchChoice(count: number, hot: boolean, target: string): void {
  const options = { cacheThreshold: 0.5, balanceAbsThreshold: 32, balanceRelThreshold: 1.0001, maxTreeSize: TREE_SIZE };
  const policy = new CacheAwarePolicy(options);
  const workers: Candidate[] = Array.from({ length: count }, (_, slot) => ({
    url: `http://w${slot}`,
    slot,
    load: slot % 5,
  }));
  const prompt = promptMaker(8 * KIB);
  if (hot) for (const worker of workers) policy.pick([worker], { prompt: prompt(0), key: undefined });
  const call = (n: number) => {
    const choice = policy.pick(workers, { prompt: prompt(n), key: undefined, streams: true });
    policy.firstByte(choice);
    policy.settled(choice, { firstByteMs: 50, promptTokens: 2048, cachedTokens: 512 });
  };
  const index = new PrefixIndex(TREE_SIZE);
  const indexed = timeOf(2_000, (n) => void index.insert(blocks.hash(prompt(n)), n % 8));
  const whole = timeOf(2_000, call);
  const what = `choice among ${count} workers, ${hot ? 'all know' : 'few know'} the beginning`;
  row(what, microseconds(whole - indexed), target);
  row('  with an 8 KB prompt hashed and inserted', microseconds(whole));
}

/** Prints the longest time that one call took of the thread: meanwhile nothing else is served. */
class Longest {
  #ms = 0;

  of<T>(call: () => T): T {
    const before = process.threadCpuUsage();
    const result = call();
    const { user, system } = process.threadCpuUsage(before);
    this.#ms = Math.max(this.#ms, (user + system) / 1000);
    return result;
  }

  print(what: string, target = ''): void {
    row(what, `${this.#ms.toFixed(2)} ms`, target);
  }
}

function benchPauses(): void {
  const index = new PrefixIndex(TREE_SIZE);
  const prompt = promptMaker(8 * KIB);
  const growth = new Longest();
  let n = 0;
  for (; index.held(0) < 2 * MIB; n++) growth.of(() => index.insert(blocks.hash(prompt(n)), 0));
  for (; index.size < 4 * MIB; n++) growth.of(() => index.insert(blocks.hash(prompt(n)), 1 + (n % 7)));
  growth.print('longest pause: an insert, growing to 4 M entries', 'target 10 ms');
  row('  memory for each entry', `${(index.bytes / index.size).toFixed(0)} bytes`);
  const forgetting = new Longest();
  forgetting.of(() => index.forget(0));
  forgetting.print('longest pause: forget a worker with 2 M blocks', 'target 10 ms');
  const tidying = new Longest();
  while (!tidying.of(() => index.tidy(DROPPED_AT_ONCE)));
  tidying.print('longest pause: drop its blocks, a slice', 'target 10 ms');

  const small = new PrefixIndex(MIB);
  for (let slot = 0; slot < 1000; slot++) {
    for (let i = 0; i < 8; i++, n++) small.insert(blocks.hash(prompt(n)), slot);
  }
  for (; small.size < 1.1 * MIB; n++) small.insert(blocks.hash(prompt(n)), n % 1000);
  const evicting = new Longest();
  while (!evicting.of(() => small.evict(DROPPED_AT_ONCE)));
  evicting.print('longest pause: evict with 1,000 workers, a slice', 'target 10 ms');
}

benchIndex('8 KB', 8 * KIB, 4_000, 'target 15 µs');
benchIndex('1 MiB', MIB, 40, 'target 1500 µs');
benchPrompt();
for (const hot of [false, true]) {
  benchChoice(8, hot, 'target 5 µs');
  benchChoice(256, hot, 'target 60 µs');
}
benchPauses();
benchMemory(Number(values.prompts));
