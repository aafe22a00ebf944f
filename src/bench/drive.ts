import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from './client.ts';
import { joined, type Segment, type Session } from './prompt.ts';
import type { Said } from './request.ts';
import type { Api, Load } from './workloads/workload.ts';

/** Told while the requests run. */
export interface Watcher {
  asked(): void;
  answered(answer: Answer): void;
}

/** Whoever answers: servers, or a model of them. */
export interface Asking {
  /** Resolves with what came of it, failures included. */
  ask(api: Api, said: readonly Said[], outputTokens: number): Promise<Answer>;
}

/** The time in which a load is sent. */
export interface Time {
  /** Milliseconds. */
  now(): number;
  /** Resolves after `ms`, or at once when the run is stopped. */
  pause(ms: number, stopped: AbortSignal): Promise<void>;
}

/** That of the machine. */
const REAL_TIME: Time = {
  now: () => performance.now(),
  pause: (ms, signal) => delay(ms, undefined, { signal }).catch(() => {}),
};

/** Sends all sessions of the load as it says; resolves with the answers in the order in which they ended. */
export async function drive(
  load: Load,
  client: Asking,
  watcher: Watcher,
  stopped: AbortSignal,
  time: Time = REAL_TIME,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  const running = new Set<Promise<void>>();
  const startMs = time.now();
  const conversing = { api: load.api, client, watcher, answers, stopped, time };
  for (const session of load.sessions) {
    const waitMs = startMs + session.startMs - time.now();
    if (waitMs > 0) await time.pause(waitMs, stopped);
    while (running.size >= load.maxConcurrency) await Promise.race(running);
    if (stopped.aborted) break;
    const run = converse(session, conversing).finally(() => running.delete(run));
    running.add(run);
  }
  await Promise.all(running);
  return answers;
}

/** What the conversations of a run have in common. */
interface Conversing {
  readonly api: Api;
  readonly client: Asking;
  readonly watcher: Watcher;
  readonly answers: Answer[];
  readonly stopped: AbortSignal;
  readonly time: Time;
}

/** Asks turn after turn; a conversation with a failed answer ends, since what comes next would have no beginning. */
async function converse({ system, turns }: Session, run: Conversing): Promise<void> {
  const { stopped } = run;
  const said: Said[] = system.length > 0 ? [new Spoken('system', system)] : [];
  for (const { added, outputTokens, pauseMs, dropsAnswer, answer: place } of turns) {
    if (pauseMs > 0) await run.time.pause(pauseMs, stopped);
    if (stopped.aborted) return;
    if (dropsAnswer) said.pop();
    said.push(new Spoken('user', added));
    run.watcher.asked();
    const answer = await run.client.ask(run.api, said, outputTokens);
    // Of a long run there are too many texts to keep.
    run.answers.push({ ...answer, text: '', ids: [] });
    run.watcher.answered(answer);
    if (answer.error !== undefined) return;
    const ids = Int32Array.from(answer.ids ?? []);
    place?.fill(answer.text, ids);
    said.push({ role: 'assistant', text: answer.text, ids: answer.ids && ids });
  }
}

/** What is made of segments, when somebody asks for it. */
class Spoken implements Said {
  readonly role: Said['role'];
  readonly #segments: readonly Segment[];
  /** Each later turn asks for them again. */
  #ids: Int32Array | undefined;

  constructor(role: Said['role'], segments: readonly Segment[]) {
    this.role = role;
    this.#segments = segments;
  }

  get text(): string {
    return this.#segments.map(({ text }) => text).join('');
  }

  get ids(): Int32Array {
    this.#ids ??= joined(this.#segments.map(({ ids }) => ids));
    return this.#ids;
  }
}
