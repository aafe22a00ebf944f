import type { FailureStatus } from '../answer.ts';
import type { Job } from '../job.ts';
import { type ApiCall, sendJson } from './api-call.ts';
import { BadRequestError, errorBody } from './errors.ts';

/** What a client is told of a job that the engine gave up. */
export interface Failure {
  readonly status: FailureStatus;
  readonly message: string;
}

/** Undefined while a job goes on, and when it ended in another way. */
export function failureOf({ finish }: Job): Failure | undefined {
  if (finish?.type !== 'abort' || finish.status === undefined) return undefined;
  return { status: finish.status, message: finish.message };
}

/** Answers with the failure. */
export function sendFailure({ response, family }: ApiCall, failure: Failure): void {
  const { status, message } = failure;
  if (status === 400) sendJson(response, 400, errorBody(family, new BadRequestError(message)));
  else if (family === 'anthropic') sendJson(response, status, anthropicError(failure, 'Internal server error'));
  else sendJson(response, status, { object: 'error', message, type: String(status), param: null, code: status });
}

const STREAM_TYPES: Readonly<Record<FailureStatus, string>> = {
  400: 'BAD_REQUEST',
  500: 'INTERNAL_SERVER_ERROR',
  503: 'SERVICE_UNAVAILABLE',
};
const ANTHROPIC_TYPES: Readonly<Record<FailureStatus, string>> = {
  400: 'invalid_request_error',
  500: 'api_error',
  503: 'overloaded_error',
};

/** The failure as `/v1/messages` words it; outside of streams SGLang keeps the message of its own errors to itself. */
export function anthropicError({ status, message }: Failure, shown = message): object {
  return { type: 'error', error: { type: ANTHROPIC_TYPES[status], message: shown } };
}

/** The failure as an event of a stream; SGLang writes this one with spaces. */
export function failureEvent({ status, message }: Failure): string {
  const type = STREAM_TYPES[status];
  return `data: {"error": {"object": "error", "message": ${JSON.stringify(message)}, "type": "${type}", "param": null, "code": ${status}}}\n\n`;
}
