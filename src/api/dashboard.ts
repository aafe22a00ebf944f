import { PAGE_HEADERS, pageFile } from '../dashboard/pages.ts';
import { expectOwnPage } from '../dashboard/same-origin.ts';
import { RouterError } from '../errors/errors.ts';
import { sendJson, setHeaders } from '../http/respond.ts';
import type { ApiHandler, Call } from './call.ts';
import type { ApiContext } from './context.ts';
import { textOf } from './fields.ts';
import { readJsonBody } from './json-body.ts';

/** The page, which shows nothing of the router before somebody has signed in. */
export const dashboardPage: ApiHandler = (call) => sendFile(call, 'index.html');

/** Its script and its style. */
export const dashboardFile: ApiHandler = (call) => sendFile(call, call.params.file ?? '');

/** A snapshot a second, until the client leaves. */
export function dashboardFeed({ request, response }: Call, { dashboard }: ApiContext): void {
  expectOwnPage(request);
  response.setHeader('cache-control', 'no-store');
  if (request.method === 'HEAD') response.send(200, 'text/event-stream', Buffer.alloc(0));
  else dashboard.follow(request, response);
}

/** One snapshot. */
export async function dashboardSnapshot({ request, response }: Call, { dashboard }: ApiContext): Promise<void> {
  expectOwnPage(request);
  response.setHeader('cache-control', 'no-store');
  sendJson(response, 200, await dashboard.feed.once());
}

/** Gives a browser a session for the key in the body. */
export async function signIn({ request, response }: Call, { dashboard }: ApiContext): Promise<void> {
  expectOwnPage(request);
  const key = textOf(await readJsonBody(request), 'key');
  if (key === undefined) throw new RouterError('unprocessable_entity', 'key: expected a string, got nothing');
  response.setHeader('set-cookie', dashboard.signIn(request, key));
  sendJson(response, 200, { message: 'signed in' });
}

/** Ends the session of a browser. */
export function signOut({ request, response }: Call, { dashboard }: ApiContext): void {
  expectOwnPage(request);
  response.setHeader('set-cookie', dashboard.sessions.close(request));
  sendJson(response, 200, { message: 'signed out' });
}

async function sendFile({ request, response }: Call, name: string): Promise<void> {
  const file = await pageFile(name);
  if (!file) throw new RouterError('not_found', `the dashboard has no file ${name}`);
  setHeaders(response, [...PAGE_HEADERS, 'cache-control', 'no-cache', 'etag', file.etag]);
  if (request.headers['if-none-match'] !== file.etag) {
    response.send(200, file.type, file.bytes);
    return;
  }
  response.head(304, undefined, []);
  response.end();
}
