import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

/** Header that names the routers a request has passed, so that a router detects a loop to itself. */
export const VIA = 'x-sglang-router-via';
const SHARED_AS = 'sglang-router-instance';
/** Names this running router, in all its threads. */
export const INSTANCE = String(getEnvironmentData(SHARED_AS) ?? randomUUID());
setEnvironmentData(SHARED_AS, INSTANCE);
/** Most routers in a row; more are taken for a loop. */
const MOST_HOPS = 8;

/** The value of `VIA` for what this router sends on. */
export function viaOf(headers: IncomingHttpHeaders): string {
  const before = headers[VIA];
  return before === undefined ? INSTANCE : `${before}, ${INSTANCE}`;
}

/** Why a request must not be sent on: it was here before, or passed too many routers; usually undefined. */
export function loopIn(headers: IncomingHttpHeaders): string | undefined {
  const before = headers[VIA];
  if (before === undefined) return undefined;
  const hops = String(before).split(', ');
  if (hops.at(-1) === INSTANCE) return 'a worker is this router itself';
  if (hops.includes(INSTANCE)) return 'a worker is a router among whose workers this one is';
  return hops.length < MOST_HOPS ? undefined : `expected at most ${MOST_HOPS} routers before a worker`;
}
