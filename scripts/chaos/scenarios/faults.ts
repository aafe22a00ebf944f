import type { Outcome, Reply } from '../ask.ts';
import { Crowd } from '../crowd.ts';
import type { Engine } from '../engine.ts';
import { rssKb } from '../gauges.ts';
import { PeerRouter, peerNamed } from '../peer.ts';
import { question, someQuestion } from '../question.ts';
import { delay, type Findings, type Scenario, type ScenarioOptions } from '../scenario.ts';
import { Router, Stage } from '../stage.ts';

/** A client asks so often at most: a router that fails fast is not asked more than one that answers. */
const PACE_MS = 250;
/** Clients do not wait for ever, as no user does. */
const PATIENCE_MS = 30_000;
const QUESTIONS = 4_096;
const POISON = 'this request ends whoever reads it';
const POISON_EVERY_MS = 1_000;
const RESTARTED_AFTER_MS = 2_000;
const SAMPLE_MS = 1_000;
const REST_MS = 2_000;
/** More than this share of a kind's requests must not fail. */
const MOST_FAILED = 0.01;
/** A run shorter than this says nothing of memory. */
const JUDGED_MINUTES = 5;
const MOST_GROWTH_MB = 10;

/** Servers that fail fast, each 1 of 4: what is restarted with which flags. */
const FAILING: readonly (readonly [kind: string, flags: readonly string[]])[] = [
  ['401, 1 of 4', ['--api-key', 'another']],
  ['404, 1 of 4', ['--sim-fail-first', '1000000000', '--sim-fail-status', '404']],
  ['500, 1 of 4', ['--sim-fail-first', '1000000000', '--sim-fail-status', '500']],
  ['error events, 1 of 4', ['--max-queued-requests', '0']],
];
const POISONED = 'poison every second, 8';
const SILENT_RANK = 'silent rank, 1 of 4';
const KINDS = FAILING.length + 2;
/** As questions call it: some routers serve no other name. */
const MODEL = ['--served-model-name', 'sim'];

type Front = Pick<Router, 'url' | 'over'>;

export const faults: Scenario = {
  about:
    'for --minutes: one server fails fast (401, 404, 500, error events), requests that end their server, a silent rank: what clients see of each, with --router of another one',
  minutes: 10,
  run: async (_, options) => {
    const found = new Found(options);
    await failFast(options, found);
    await poison(options, found);
    await silentRank(options, found);
    return found.findings();
  },
};

/** What clients saw, kind by kind. */
class Found {
  readonly #tallies = new Map<string, Tally>();
  readonly #figures: Record<string, string | number> = {};
  readonly #problems: string[] = [];
  readonly #own: boolean;
  readonly windowMs: number;

  constructor({ minutes, router }: ScenarioOptions) {
    this.#own = router === undefined;
    this.windowMs = (minutes * 60_000) / KINDS;
  }

  tally(kind: string): Tally {
    const tally = new Tally();
    this.#tallies.set(kind, tally);
    return tally;
  }

  figure(name: string, value: string | number): void {
    this.#figures[name] = value;
  }

  /** What must not be, of our router; of another it is a finding like any other. */
  problem(text: string): void {
    if (this.#own) this.#problems.push(text);
    else this.#figures[text] = '';
  }

  findings(): Findings {
    const figures: Record<string, string | number> = {};
    for (const [kind, tally] of this.#tallies) {
      figures[kind] = tally.text;
      if (this.#own && tally.failed > tally.requests * MOST_FAILED) this.problem(`${kind}: ${tally.text}`);
      if (this.#own && tally.counts.wrong > 0) this.problem(`${kind}: ${tally.counts.wrong} wrong texts`);
    }
    return { figures: { ...figures, ...this.#figures }, problems: this.#problems };
  }
}

/** Replies to what was asked within a window of time. */
class Tally {
  readonly counts: Record<Outcome, number> = { right: 0, terminated: 0, cut: 0, wrong: 0, refused: 0, unreachable: 0 };
  readonly #details = new Map<string, number>();
  fromMs = Number.POSITIVE_INFINITY;
  untilMs = Number.POSITIVE_INFINITY;

  add({ outcome, detail, sentMs }: Reply): void {
    if (sentMs < this.fromMs || sentMs > this.untilMs) return;
    this.counts[outcome]++;
    if (outcome === 'right') return;
    const code = /"code": ?"?(\w+)/.exec(detail)?.[1] ?? '';
    const key =
      outcome === 'refused'
        ? `${detail.slice(0, 3)} ${/^\d+$/.test(code) ? '' : code}`.trim()
        : wordsFor(outcome, detail);
    this.#details.set(key, (this.#details.get(key) ?? 0) + 1);
  }

  get requests(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count);
  }

  /** Without those whose answer was under way when its server died: no router can help them. */
  get failed(): number {
    return this.requests - this.counts.right - this.counts.terminated - this.counts.cut;
  }

  get text(): string {
    const { requests } = this;
    const bad = requests - this.counts.right;
    const share = requests === 0 ? '' : ` (${((100 * bad) / requests).toFixed(2)} %)`;
    const details = [...this.#details].sort((a, b) => b[1] - a[1]).map(([what, count]) => `${count} × ${what}`);
    return `${bad} of ${requests} failed${share}${details.length > 0 ? `: ${details.slice(0, 6).join(', ')}` : ''}`;
  }
}

/** Each with a router of its own: one that was restarted behind a router may be out for reasons of its own. */
async function failFast(options: ScenarioOptions, found: Found): Promise<void> {
  for (const [kind, flags] of FAILING) {
    await using stage = new Stage();
    const engines = [...(await stage.engines(3, MODEL)), await stage.engine([...MODEL, ...flags])];
    const watch = new Watch(await frontOf(stage, engines, options), options);
    await watch.during(kind, found.tally(kind), found.windowMs);
    await watch.end(kind, found);
  }
}

function wordsFor(outcome: Outcome, detail: string): string {
  if (outcome === 'unreachable') return `no answer (${detail})`;
  return outcome === 'wrong' && detail.includes('"error"') ? 'an error event in a whole stream' : outcome;
}

async function poison(options: ScenarioOptions, found: Found): Promise<void> {
  await using stage = new Stage();
  const engines = await stage.engines(8, [...MODEL, '--sim-die-on-text', POISON]);
  const front = await frontOf(stage, engines, options);
  const watch = new Watch(front, options);
  const endMs = performance.now() + found.windowMs;
  const over = () => performance.now() >= endMs;
  const statuses = new Map<string, number>();
  let deaths = 0;
  let sent = 0;
  const restarts = engines.map(async (engine) => {
    while (!over()) {
      await delay(50);
      if (engine.running) continue;
      deaths++;
      await delay(RESTARTED_AFTER_MS);
      // It may be ended once more while it starts.
      await engine.start().catch(() => {});
    }
  });
  const asking = watch.during(POISONED, found.tally(POISONED), found.windowMs);
  const poisons: Promise<void>[] = [];
  while (!over()) {
    poisons.push(
      sendPoison(front.url, sent++).then((status) => void statuses.set(status, (statuses.get(status) ?? 0) + 1)),
    );
    await delay(POISON_EVERY_MS);
  }
  await Promise.all([asking, ...restarts, ...poisons]);
  found.figure('poison: servers ended a request', `${(deaths / sent).toFixed(2)} (${deaths} by ${sent})`);
  found.figure('poison: its own answers', [...statuses].map(([status, count]) => `${count} × ${status}`).join(', '));
  await Promise.all(engines.map((engine) => engine.running || engine.start()));
  await watch.end(POISONED, found);
}

async function sendPoison(url: string, number: number): Promise<string> {
  const { path, body } = question(`${number} ${POISON}`, 8, { chat: number % 2 === 0, stream: number % 4 < 2 });
  const headers = { 'content-type': 'application/json' };
  const init = { method: 'POST', body, headers, signal: AbortSignal.timeout(PATIENCE_MS) };
  try {
    const answer = await fetch(url + path, init);
    const text = await answer.text();
    const code = /"code": ?"(\w+)"/.exec(text)?.[1] ?? '';
    return `${answer.status} ${code}`.trim();
  } catch (error) {
    return `no answer (${(error as Error).name})`;
  }
}

async function silentRank(options: ScenarioOptions, found: Found): Promise<void> {
  await using stage = new Stage();
  const engines = [await stage.engine([...MODEL, '--dp-size', '4', '--sim-silent-rank', '2'])];
  let front: Front;
  try {
    front = await frontOf(stage, engines, options, ['--dp-aware']);
  } catch (error) {
    found.problem(`${SILENT_RANK}: not to be had: ${(error as Error).message.split('\n')[0]}`);
    return;
  }
  const watch = new Watch(front, options);
  await watch.during(SILENT_RANK, found.tally(SILENT_RANK), found.windowMs);
  await watch.end(SILENT_RANK, found);
}

function frontOf(
  stage: Stage,
  engines: readonly Engine[],
  { router }: ScenarioOptions,
  flags: readonly string[] = [],
): Promise<Front> {
  const urls = engines.map(({ url }) => url);
  if (router === undefined) return stage.router(urls, flags);
  return PeerRouter.start(peerNamed(router), urls, flags).then((peer) => stage.use(peer));
}

/** A crowd before a router, looked at for a time at a time. */
class Watch {
  readonly #front: Front;
  readonly #crowd: Crowd;
  readonly #say: ScenarioOptions['say'];
  readonly #minutes: number;
  readonly #kb: number[] = [];
  readonly #sampling: NodeJS.Timeout;

  constructor(front: Front, { clients, say, minutes }: ScenarioOptions) {
    this.#front = front;
    this.#say = say;
    this.#minutes = minutes;
    const next = (n: number) => someQuestion(n % QUESTIONS, 8 + (n % 16));
    this.#crowd = new Crowd(front.url, { clients, timeoutMs: PATIENCE_MS, paceMs: PACE_MS, next });
    this.#sampling = setInterval(() => {
      if (front instanceof Router && front.over === undefined) this.#kb.push(rssKb(front.pid));
    }, SAMPLE_MS);
  }

  /** Counts what is asked from now on, for so long. */
  async during(kind: string, tally: Tally, ms: number): Promise<void> {
    tally.fromMs = performance.now();
    tally.untilMs = tally.fromMs + ms;
    this.#crowd.onReply = (reply) => {
      tally.add(reply);
      this.#say(`${kind}: ${tally.text}`);
    };
    await delay(ms);
    // What was asked last is still to be answered.
    await this.#crowd.reachedAll();
    this.#crowd.onReply = () => {};
  }

  /** Nothing may be left over. */
  async end(name: string, found: Found): Promise<void> {
    await this.#crowd.stop();
    clearInterval(this.#sampling);
    const front = this.#front;
    if (front.over !== undefined) found.problem(front.over);
    else if (front instanceof Router) await this.#rested(name, front, found);
  }

  async #rested(name: string, router: Router, found: Found): Promise<void> {
    await delay(REST_MS);
    const load = (await router.workers()).reduce((sum, row) => sum + row.load, 0);
    const inFlight = await router.metric('sgl_router_requests_in_flight');
    if (load + inFlight !== 0) found.problem(`${name}: ${load} and ${inFlight} are counted in flight, and none is`);
    const third = Math.ceil(this.#kb.length / 3);
    const mb = (kb: readonly number[]) => kb.reduce((sum, one) => sum + one, 0) / kb.length / 1024;
    const [before, after] = [mb(this.#kb.slice(third, 2 * third)), mb(this.#kb.slice(-third))];
    found.figure(`${name}: RSS, second and last third, MB`, `${before.toFixed(1)} → ${after.toFixed(1)}`);
    if (this.#minutes >= JUDGED_MINUTES && after - before > MOST_GROWTH_MB)
      found.problem(`${name}: memory grew by ${(after - before).toFixed(1)} MB`);
  }
}
