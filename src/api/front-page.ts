import manifest from '../../package.json' with { type: 'json' };
import { sendJson } from '../http/respond.ts';
import type { Call } from './call.ts';

/** What listens here, for who opens the address in a browser, and where to go on. */
export function frontPage({ response }: Call): void {
  sendJson(response, 200, {
    name: 'sglang-router',
    version: manifest.version,
    try: ['/readiness', '/v1/models', '/v1/chat/completions', '/generate', '/workers', '/metrics'],
  });
}

/** Browsers ask for it unasked; a worker must not be bothered. */
export function favicon({ response }: Call): void {
  response.setHeader('cache-control', 'max-age=86400');
  response.head(204, undefined, []);
  response.end();
}
