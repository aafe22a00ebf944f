import type { Endpoint } from '../http/endpoint.ts';
import { requestHeaders } from '../http/headers.ts';
import { VIA, viaOf } from '../http/instance.ts';
import { originForm, pathOf } from '../http/path.ts';
import { REQUEST_ID } from '../http/request-id.ts';
import type { WorkerRequest } from '../http/upstream/worker-client.ts';
import type { CallTarget } from '../link/assignment.ts';
import type { Exchange } from './exchange.ts';
import { withRankHeader } from './rank.ts';

/** The call that a request to a worker is made for. */
export interface SentCall {
  readonly target: CallTarget;
  readonly exchange: Exchange;
  readonly endpoint: Endpoint;
  /** Replaces the client's header of that name; undefined where the client's is passed on. */
  readonly traceparent: string | undefined;
}

/** The client's request as its worker gets it; `fresh`: over a connection that has not served before. */
export function workerRequest(call: SentCall, body: Buffer, fresh: boolean, mayTunnel: boolean): WorkerRequest {
  const { target, exchange, endpoint } = call;
  const { request } = exchange;
  return {
    path: target.basePath + workerPath(originForm(request.url), endpoint),
    method: request.method,
    headers: withRankHeader(requestHeaders(request.headers, ownHeaders(call)), target.rank),
    body: body.length > 0 ? body : null,
    fresh,
    upgrade: mayTunnel ? request.upgrade : undefined,
  };
}

/** Headers of the router's own, which replace the client's. */
function ownHeaders({ target, traceparent, exchange: { id, request } }: SentCall): string[] {
  const own = [REQUEST_ID, id, VIA, viaOf(request.headers)];
  if (target.authorization !== undefined) own.push('authorization', target.authorization);
  if (traceparent !== undefined) own.push('traceparent', traceparent);
  return own;
}

/** The path and query at which workers serve the endpoint. */
function workerPath(url: string, { sentAs }: Endpoint): string {
  return sentAs === undefined ? url : sentAs + url.slice(pathOf(url).length);
}
