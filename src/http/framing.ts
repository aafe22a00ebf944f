import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { RouterError } from '../errors.ts';
import { sendError } from './respond.ts';

/**
 * Refuses what Node's parser lets through although another reader could take it for something else. Requests that come at once
 * on one connection are begun one after another, so that none is begun after an answer that closes the connection.
 */
export function strictly(onRequest: RequestListener): RequestListener {
  const begin = (request: IncomingMessage, response: ServerResponse) => {
    if (!request.socket.writable) return;
    const problem = problemOf(request);
    if (problem === undefined) return onRequest(request, response);
    response.setHeader('connection', 'close');
    sendError(response, new RouterError('bad_request', problem));
  };
  return (request, response) => {
    // A response gets the connection when the one before it has ended.
    if (response.socket) begin(request, response);
    else response.once('socket', () => begin(request, response));
  };
}

/** For Node's `checkExpectation`: answers 417 to any expectation but `100-continue`. */
export const refuseExpectation: RequestListener = strictly(({ headers }, response) => {
  sendError(
    response,
    new RouterError(
      'expectation_failed',
      `expected no Expect but "100-continue", got ${JSON.stringify(headers.expect)}`,
    ),
  );
});

function problemOf(request: IncomingMessage): string | undefined {
  if (request.httpVersionMajor !== 1) return `expected HTTP/1.1, got HTTP/${request.httpVersion}`;
  const coding = request.headers['transfer-encoding'];
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || request.httpVersionMinor === 0)) {
    return `expected Transfer-Encoding "chunked" over HTTP/1.1, got ${JSON.stringify(coding)} over HTTP/${request.httpVersion}`;
  }
  const hosts = countHosts(request.rawHeaders);
  const isOne = hosts === 1 || (hosts === 0 && request.httpVersionMinor === 0);
  return isOne ? undefined : `expected one Host header, got ${hosts}`;
}

function countHosts(rawHeaders: readonly string[]): number {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts;
}
