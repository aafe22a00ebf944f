import { Agent, request } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import type { Transport } from './endpoint.ts';

const TIMEOUT_MS = 10_000;

/** OTLP over HTTP with protobuf bodies. */
export function httpTransport(url: URL): Transport {
  const secure = url.protocol === 'https:';
  const agent = secure ? new SecureAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  const send = secure ? secureRequest : request;
  return {
    send: (message) =>
      new Promise((resolve, reject) => {
        const headers = { 'content-type': 'application/x-protobuf', 'content-length': message.length };
        const call = send(url, { method: 'POST', agent, headers, timeout: TIMEOUT_MS }, (response) => {
          response.resume();
          const status = response.statusCode ?? 0;
          if (status < 200 || status >= 300) reject(new Error(`the collector answered ${status}`));
          response.once('end', resolve);
          response.once('close', () => reject(new Error('the answer broke off')));
        });
        call.once('timeout', () => call.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
        call.once('error', reject);
        call.end(message);
      }),
    close: () => agent.destroy(),
  };
}
