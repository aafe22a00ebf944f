import { randomInt } from 'node:crypto';
import { ExitError } from '../../errors/errors.ts';
import type { EngineProfile } from '../../sim/profile.ts';
import { type Answer, Client } from '../client.ts';
import { segment } from '../prompt.ts';
import { spread } from '../statistics.ts';
import { askEngine, type EngineFacts } from './engine-facts.ts';
import { fitLine, type Line } from './line-fit.ts';

/** What is measured, and where. */
interface Calibration {
  /** One engine, not a router. */
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly timeoutMs: number;
  readonly stopped: AbortSignal;
  readonly say: (line: string) => void;
}

/** A prompt of so many words is sent so often; words are one to three tokens of a real tokenizer. */
const PROMPT_WORDS = [64, 128, 256, 512, 1024, 2048, 4096];
const PROMPT_REPEATS = 5;
/** Behind as many, or the longest of those, that are cached, a short prompt is sent. */
const CACHED_WORDS = 1024;
/** No longer prompts once one has taken this time: a slow engine is known by its short ones. */
const LONGEST_PROMPT_MS = 5_000;
/** So many answers at once, as far as the engine runs them. */
const BATCHES = [1, 2, 4, 8, 16, 32];
const BATCH_PROMPT_WORDS = 16;
const BATCH_OUTPUT_TOKENS = 64;
/** Of what the engine can hold, what one measurement may use. */
const SHARE_OF_ROOM = 0.5;

/** Measures an engine that has nothing else to do: how fast it computes prompts and answers, and how much it holds. */
export async function calibrate({ url, apiKey, timeoutMs, stopped, say }: Calibration): Promise<EngineProfile> {
  const facts = await askEngine(url, apiKey);
  const client = new Client({ urls: [url], model: facts.model, apiKey, timeoutMs });
  const close = () => client.close();
  stopped.addEventListener('abort', close, { once: true });
  const engine = new MeasuredEngine(client, url, stopped);
  try {
    say(`measuring ${url} (${facts.model})`);
    const prompts = await engine.prompts(facts);
    const prefill = fitLine(prompts);
    const cached = await engine.cached(Math.min(CACHED_WORDS, PROMPT_WORDS[prompts.length - 1] as number));
    const steps = await engine.steps(facts);
    const decode = fitLine(steps);
    if (prefill.slope === 0) throw failed(url, 'longer prompts take it no more time: it cannot be told how fast it is');
    const of = { url, model: facts.model, version: facts.version, at: new Date().toISOString() };
    const measured = { ...of, prompts, cached, steps };
    return {
      measured,
      flags: {
        '--sim-prefill-tokens-per-sec': rounded(1000 / prefill.slope),
        '--sim-prefill-base-ms': rounded(prefill.base),
        '--sim-prefill-cached-ms': rounded(cachedMs(cached, prefill)),
        '--sim-decode-base-ms': rounded(decode.base),
        '--sim-decode-per-running-ms': rounded(decode.slope),
        '--max-total-tokens': facts.maxTotalTokens,
        '--page-size': facts.pageSize,
        '--max-running-requests': facts.maxRunningRequests,
        '--chunked-prefill-size': facts.chunkedPrefillSize,
        '--context-length': facts.contextLength,
      },
    };
  } finally {
    stopped.removeEventListener('abort', close);
    client.close();
  }
}

/** A prompt of which most was cached, and the time until its first token. */
interface CachedPrompt {
  readonly tokens: number;
  readonly cachedTokens: number;
  readonly ms: number;
}

/** What 1,000 cached tokens add to the time that the others take; nothing where the engine caches none. */
function cachedMs({ tokens, cachedTokens, ms }: CachedPrompt, { base, slope }: Line): number {
  return cachedTokens > 0 ? Math.max(0, ((ms - base - slope * tokens) / cachedTokens) * 1000) : 0;
}

function computedTokens({ promptTokens = 0, cachedTokens = 0 }: Answer): number {
  return promptTokens - cachedTokens;
}

function firstMs({ sentMs, firstMs: atMs, endMs }: Answer): number {
  return (atMs ?? endMs) - sentMs;
}

/** An engine under measurement. No prompt is sent twice, so none is cached but what is meant to be. */
class MeasuredEngine {
  readonly #client: Client;
  readonly #url: string;
  readonly #stopped: AbortSignal;
  readonly #seed = randomInt(2 ** 31);
  #prompts = 0;

  constructor(client: Client, url: string, stopped: AbortSignal) {
    this.#client = client;
    this.#url = url;
    this.#stopped = stopped;
  }

  /** Tokens of prompts, and milliseconds until the first token of the answer, the engine having nothing else to do. */
  async prompts({ contextLength, maxTotalTokens, chunkedPrefillSize }: EngineFacts): Promise<[number, number][]> {
    const warmUp = await this.#ask(PROMPT_WORDS[0] as number, 1);
    const tokensPerWord = (warmUp.promptTokens ?? 0) / (PROMPT_WORDS[0] as number);
    const room = SHARE_OF_ROOM * Math.min(contextLength, maxTotalTokens);
    // A prompt of several chunks would pay for several steps.
    const most = chunkedPrefillSize > 0 ? Math.min(room, chunkedPrefillSize) : room;
    const lengths = PROMPT_WORDS.filter((words) => words * tokensPerWord <= most);
    // A length that is new to an engine takes it longer, as kernels are chosen and compiled.
    for (const words of lengths) {
      const { sentMs, endMs } = await this.#ask(words, 1);
      if (endMs - sentMs > LONGEST_PROMPT_MS) break;
    }
    const points: [number, number][] = [];
    for (const words of lengths) {
      const answers: Answer[] = [];
      for (let i = 0; i < PROMPT_REPEATS; i++) answers.push(await this.#ask(words, 1));
      const tokens = Math.round(spread(answers.map(computedTokens)).p50);
      const point: [number, number] = [tokens, rounded(spread(answers.map(firstMs)).p50)];
      points.push(point);
      if (point[1] > LONGEST_PROMPT_MS) break;
    }
    return points;
  }

  /** A few tokens behind so many words that are cached. */
  async cached(words: number): Promise<CachedPrompt> {
    const { text } = segment(this.#seed, 'cached', words);
    const answers: Answer[] = [];
    for (let i = 0; i <= PROMPT_REPEATS; i++) answers.push(await this.#ask(BATCH_PROMPT_WORDS, 1, text));
    // The first has computed them.
    const known = answers.slice(1);
    const cachedTokens = spread(known.map((answer) => answer.cachedTokens ?? 0)).p50;
    return { tokens: spread(known.map(computedTokens)).p50, cachedTokens, ms: rounded(spread(known.map(firstMs)).p50) };
  }

  /** Answers at once, and milliseconds between two tokens of each. */
  async steps({ maxRunningRequests, maxTotalTokens }: EngineFacts): Promise<[number, number][]> {
    const each = 4 * BATCH_PROMPT_WORDS + BATCH_OUTPUT_TOKENS;
    const most = Math.min(maxRunningRequests, (SHARE_OF_ROOM * maxTotalTokens) / each);
    const points: [number, number][] = [];
    for (const batch of BATCHES.filter((batch) => batch <= Math.max(1, most))) {
      const asked = Array.from({ length: batch }, () => this.#ask(BATCH_PROMPT_WORDS, BATCH_OUTPUT_TOKENS));
      const answers = await Promise.all(asked);
      // Where an event has several tokens, their time is that of one step each.
      const gaps = answers.flatMap(({ gapsMs, outputTokens }) =>
        gapsMs.map((gap) => (gap * gapsMs.length) / (outputTokens - 1)),
      );
      points.push([batch, rounded(spread(gaps).p50)]);
    }
    return points;
  }

  async #ask(words: number, outputTokens: number, before = ''): Promise<Answer> {
    this.#stopped.throwIfAborted();
    const { text } = segment(this.#seed, `calibration ${this.#prompts++}`, words);
    const answer = await this.#client.ask('generate', [{ role: 'user', text: before + text }], outputTokens);
    this.#stopped.throwIfAborted();
    if (answer.error !== undefined) throw failed(this.#url, answer.error);
    if (answer.promptTokens === undefined) throw failed(this.#url, 'its answers do not tell their tokens');
    return answer;
  }
}

function failed(url: string, problem: string): ExitError {
  return new ExitError('bench_failed', `--calibrate ${url}: ${problem}`, {
    hint: 'expected the URL of an SGLang server',
  });
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
