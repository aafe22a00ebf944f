import { InvalidArgumentError } from 'undici/lib/core/errors.js';
import { TOKEN, VALUE } from '../wire/grammar.ts';
import type { WorkerRequest } from './worker-client.ts';

const PATH = /^[\x21-\xff]+$/;
const WITH_LENGTH: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** The request up to its body. Throws InvalidArgumentError for values that would change the request. */
export function headOf({ path, method, headers, body, upgrade }: WorkerRequest, host: string): string {
  if (!PATH.test(path)) throw new InvalidArgumentError('invalid request path');
  if (!TOKEN.test(method)) throw new InvalidArgumentError('invalid request method');
  if (upgrade !== undefined && !VALUE.test(upgrade)) throw new InvalidArgumentError('invalid upgrade header');
  const connection = upgrade === undefined ? 'keep-alive' : `upgrade\r\nupgrade: ${upgrade}`;
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: ${connection}\r\n`;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string;
    const value = headers[at + 1] as string;
    if (!TOKEN.test(name) || !VALUE.test(value)) throw new InvalidArgumentError(`invalid ${name} header`);
    head += `${name}: ${value}\r\n`;
  }
  if (body) head += `content-length: ${body.length}\r\n`;
  else if (WITH_LENGTH.has(method)) head += 'content-length: 0\r\n';
  return `${head}\r\n`;
}
