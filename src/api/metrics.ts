import { answerMetrics } from '../observe/metrics/server.ts';
import type { Call } from './call.ts';
import type { ApiContext } from './context.ts';

/** The router's own metrics, as on their own port. */
export function metrics({ response }: Call, context: ApiContext): Promise<void> {
  return answerMetrics(context.metrics, response);
}
