import type { ApiHandler } from './call.ts';

/** GET: what the policies choose, as they do, for other routers before the same workers. */
export const routerChoices: ApiHandler = ({ request, response }, { tellChoices }) => {
  if (request.method === 'HEAD') response.send(200, 'text/plain; charset=latin1', Buffer.alloc(0));
  else tellChoices(response);
};
