import { RouterError } from '../errors/errors.ts';

const timedOut = (url: string, what: string, final = false) =>
  new RouterError('worker_timeout', `worker ${url} ${what}`, { final });

/** Nothing of an answer has come. */
export function noFirstByte(url: string, ms: number): RouterError {
  return timedOut(url, `sent no first byte within ${secs(ms)} (--first-byte-timeout-secs)`);
}

/** A stream has stopped. */
export function idle(url: string, ms: number): RouterError {
  return timedOut(url, `sent nothing more for ${secs(ms)} (--stream-idle-timeout-secs)`);
}

/** Nothing goes through a tunnel. */
export function quiet(url: string, ms: number): RouterError {
  return timedOut(url, `and its client sent each other nothing for ${secs(ms)}`);
}

/** The whole took too long. */
export function tooLong(url: string, ms: number): RouterError {
  return timedOut(url, `did not finish within ${secs(ms)} (--request-timeout-secs)`, true);
}

/** There is no time for another attempt, or for the first. */
export function noTimeLeft(ms: number): RouterError {
  const message = `no time for another attempt within ${secs(ms)} (--request-timeout-secs)`;
  return new RouterError('worker_timeout', message, { final: true });
}

/** The worker was found to hang. */
export function silent(url: string, reason: string): RouterError {
  return timedOut(url, `hangs: ${reason}`);
}

function secs(ms: number): string {
  return `${ms / 1000} s`;
}
