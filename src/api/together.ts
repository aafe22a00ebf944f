import type { IncomingRequest } from '../http/edge/incoming-request.ts';
import type { ApiContext } from './context.ts';

/** Who asks for what is being asked with the same key already gets that answer too: a public path must not multiply into calls to every worker. */
export function together<T>(
  { questions }: ApiContext,
  { headers: { authorization = '' } }: IncomingRequest,
  what: string,
  ask: () => Promise<T>,
): Promise<T> {
  return questions.ask(`${what} ${authorization}`, ask);
}
