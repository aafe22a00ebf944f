import { RouterError } from '../../errors/errors.ts';

/** Why a well-formed request is not served, whichever HTTP its client speaks; undefined as a rule. */
export function refusalOf(method: string, expect: string | undefined): RouterError | undefined {
  if (method === 'CONNECT') return new RouterError('method_not_allowed', 'the router opens no tunnels');
  if (expect === undefined || expect.toLowerCase() === '100-continue') return undefined;
  const message = `expected no Expect but "100-continue", got ${JSON.stringify(expect)}`;
  return new RouterError('expectation_failed', message);
}
