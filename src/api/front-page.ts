import manifest from '../../package.json' with { type: 'json' };
import { sendJson } from '../http/respond.ts';
import type { Call } from './call.ts';

/** What listens here, and where to go on; who opens the address in a browser goes on to the dashboard. */
export function frontPage({ request, response }: Call): void {
  response.setHeader('vary', 'accept');
  if (/\btext\/html\b/.test(request.headers.accept ?? '')) {
    redirect(response, 'dashboard');
    return;
  }
  sendJson(response, 200, {
    name: 'sglang-router',
    version: manifest.version,
    try: ['/readiness', '/v1/models', '/v1/chat/completions', '/generate', '/workers', '/metrics'],
  });
}

/** `/dashboard/` is what people type; the addresses in the page are beside `/dashboard`. */
export function dashboardFolder({ response }: Call): void {
  redirect(response, '../dashboard');
}

function redirect(response: Call['response'], location: string): void {
  response.head(302, undefined, ['location', location], 0);
  response.end();
}

/** Browsers ask for it unasked; a worker must not be bothered. */
export function favicon({ response }: Call): void {
  response.setHeader('cache-control', 'max-age=86400');
  response.head(204, undefined, []);
  response.end();
}
