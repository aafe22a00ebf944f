import type { ServerResponse } from 'node:http';
import { sendJson, sendText } from '../http/respond.ts';

/** What the health endpoints need to know. */
export interface Standing {
  readonly healthyWorkers: number;
  readonly totalWorkers: number;
  /** Workers that get no requests, and why. */
  readonly waiting: readonly { readonly url: string; readonly problem: string }[];
  /** Why nothing is served although workers may be healthy, with details for whoever waits; undefined when serving. */
  readonly closed: { readonly reason: string; readonly details: Readonly<Record<string, unknown>> } | undefined;
}

/** Answers `/health`, `/liveness`, `/readiness` and `/health_generate` as sglang-router 0.3.2 does; no worker is called. */
export function answerHealth(path: string, standing: Standing, response: ServerResponse): void {
  if (path === '/readiness') answerReadiness(standing, response);
  else if (path === '/health_generate') answerHealthGenerate(standing, response);
  else sendText(response, 200, 'OK');
}

function answerReadiness({ healthyWorkers, totalWorkers, waiting, closed }: Standing, response: ServerResponse): void {
  const counts = { healthy_workers: healthyWorkers, total_workers: totalWorkers };
  if (!closed && healthyWorkers > 0) sendJson(response, 200, { status: 'ready', ...counts });
  else {
    const reason = closed?.reason ?? 'insufficient healthy workers';
    sendJson(response, 503, { status: 'not ready', reason, ...counts, waiting, ...closed?.details });
  }
}

function answerHealthGenerate({ healthyWorkers, closed }: Standing, response: ServerResponse): void {
  if (!closed && healthyWorkers > 0) sendText(response, 200, 'At least one router has healthy workers');
  else sendText(response, 503, 'No routers with healthy workers available');
}
