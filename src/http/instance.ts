import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

/** Names the routers that a request has come through, the first one first; by it a router knows itself among its workers, near or far. */
export const VIA = 'x-sglang-router-via';
const SHARED_AS = 'sglang-router-instance';
/** Names this router, as long as it runs; the same in all its threads. */
export const INSTANCE = String(getEnvironmentData(SHARED_AS) ?? randomUUID());
setEnvironmentData(SHARED_AS, INSTANCE);
/** Routers in front of routers; more are a loop in which none has been twice yet. */
const MOST_HOPS = 8;

/** The value of `VIA` on what this router sends on. */
export function viaOf(headers: IncomingHttpHeaders): string {
  const before = headers[VIA];
  return before === undefined ? INSTANCE : `${before}, ${INSTANCE}`;
}

/** Why a request must not be sent on: it has been here, or through too many routers; undefined as a rule. */
export function loopIn(headers: IncomingHttpHeaders): string | undefined {
  const before = headers[VIA];
  if (before === undefined) return undefined;
  const hops = String(before).split(', ');
  if (hops.at(-1) === INSTANCE) return 'a worker is this router itself';
  if (hops.includes(INSTANCE)) return 'a worker is a router among whose workers this one is';
  return hops.length < MOST_HOPS ? undefined : `expected at most ${MOST_HOPS} routers before a worker`;
}
