import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, Client } from './client.ts';
import type { Segment, Session } from './prompt.ts';
import type { Said } from './request.ts';
import type { Api, Load } from './workloads/workload.ts';

/** Told while the requests run. */
export interface Watcher {
  asked(): void;
  answered(answer: Answer): void;
}

/** Sends all sessions of the load as it says; resolves with the answers in the order in which they ended. */
export async function drive(load: Load, client: Client, watcher: Watcher, stopped: AbortSignal): Promise<Answer[]> {
  const answers: Answer[] = [];
  const running = new Set<Promise<void>>();
  const startMs = performance.now();
  for (const session of load.sessions) {
    const waitMs = startMs + session.startMs - performance.now();
    if (waitMs > 0) await pause(waitMs, stopped);
    while (running.size >= load.maxConcurrency) await Promise.race(running);
    if (stopped.aborted) break;
    const run = converse(load.api, session, client, watcher, answers, stopped).finally(() => running.delete(run));
    running.add(run);
  }
  await Promise.all(running);
  return answers;
}

/** Asks turn after turn; a conversation with a failed answer ends, since what comes next would have no beginning. */
async function converse(
  api: Api,
  { system, turns }: Session,
  client: Client,
  watcher: Watcher,
  answers: Answer[],
  stopped: AbortSignal,
): Promise<void> {
  const said: Said[] = system.length > 0 ? [{ role: 'system', text: textOf(system) }] : [];
  for (const { added, outputTokens, pauseMs } of turns) {
    if (pauseMs > 0) await pause(pauseMs, stopped);
    if (stopped.aborted) return;
    said.push({ role: 'user', text: textOf(added) });
    watcher.asked();
    const answer = await client.ask(api, said, outputTokens);
    answers.push(answer);
    watcher.answered(answer);
    if (answer.error !== undefined) return;
    said.push({ role: 'assistant', text: answer.text });
  }
}

/** Ends early, without an error, when the run is stopped. */
async function pause(ms: number, stopped: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal: stopped }).catch(() => {});
}

function textOf(segments: readonly Segment[]): string {
  return segments.length === 1 ? (segments[0] as Segment).text : segments.map(({ text }) => text).join('');
}
