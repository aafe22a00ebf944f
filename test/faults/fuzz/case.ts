import { createHash } from 'node:crypto';
import { seededRandom } from '../../helpers/seeded-random.ts';
import { FramingError, type RequestMessage, readRequest, valuesOf } from '../../helpers/strict-http.ts';
import { hidden, mutate, pick, SMUGGLING, valid } from './shapes.ts';

/** The router's `--max-payload-size` while it is fuzzed. */
export const MAX_BODY_BYTES = 65_536;

/** What is written on one connection, and what a strict reader makes of it. */
export interface FuzzCase {
  readonly seed: number;
  readonly bytes: Buffer;
  /** Where the bytes are cut into writes. */
  readonly cuts: readonly number[];
  /** Nothing in it is wrong: all must be answered. */
  readonly clean: boolean;
  /** The most that may be taken for requests, in order. */
  readonly requests: readonly RequestMessage[];
  /** What comes after them. */
  readonly rest: 'nothing' | 'part of a request' | 'refused' | 'closed';
}

/** The case that a seed decides. */
export function fuzzCase(seed: number): FuzzCase {
  const random = seededRandom(seed);
  // The first numbers of neighbouring seeds are alike.
  random();
  const count = 1 + Math.floor(random() * 4);
  const clean = random() < 0.15;
  const spoilt = clean ? -1 : Math.floor(random() * count);
  const parts = Array.from({ length: count }, (_, i) => part({ mark: `${seed}.${i}`, random }, i === spoilt));
  if (!clean) parts.push(Buffer.from(hidden(`${seed}.last`)));
  const bytes = Buffer.concat(parts);
  return { seed, bytes, cuts: cutsOf(bytes.length, random), clean, ...meaningOf(bytes) };
}

/** What two readers of a request must agree on. */
export function keyOf({ method, target, headers, body }: RequestMessage): string {
  // Node joins equal names with a comma and a space, and the space after the comma of an empty last one does not count.
  const marks = valuesOf(headers, 'x-fuzz').join(', ').trimEnd();
  const hash = createHash('sha1').update(body).digest('base64url');
  return `${method} ${originForm(target)} ${marks} ${body.length} ${hash}`;
}

/** Whether the router answers it itself. */
export function isFrontPage({ target }: RequestMessage): boolean {
  return /^\/(?:$|\?)/.test(originForm(target));
}

function part(draft: { mark: string; random: () => number }, spoil: boolean): Buffer {
  const { random } = draft;
  if (!spoil) return Buffer.from(valid(draft), 'latin1');
  const known = random() < 0.6;
  let bytes = Buffer.from((known ? pick(random, SMUGGLING) : valid)(draft), 'latin1');
  const times = known ? Math.floor(random() * 2) : 1 + Math.floor(random() * 3);
  for (let i = 0; i < times; i++) bytes = Buffer.from(mutate(bytes, random));
  return bytes;
}

function cutsOf(length: number, random: () => number): number[] {
  const count = random() < 0.3 ? 0 : Math.floor(random() * 6);
  return Array.from({ length: count }, () => Math.floor(random() * length)).sort((a, b) => a - b);
}

function meaningOf(bytes: Buffer): Pick<FuzzCase, 'requests' | 'rest'> {
  const requests: RequestMessage[] = [];
  try {
    for (let at = 0; ; ) {
      const request = readRequest(bytes, at);
      if (!request)
        return { requests, rest: /[^\r\n]/.test(bytes.toString('latin1', at)) ? 'part of a request' : 'nothing' };
      if (request.body.length > MAX_BODY_BYTES) return { requests, rest: 'refused' };
      requests.push(request);
      at = request.end;
      if (closes(request)) return { requests, rest: 'closed' };
    }
  } catch (error) {
    if (error instanceof FramingError) return { requests, rest: 'refused' };
    throw error;
  }
}

function closes({ headers, minor }: RequestMessage): boolean {
  const options = valuesOf(headers, 'connection')
    .join()
    .toLowerCase()
    .split(/[ \t]*,[ \t]*/);
  return options.includes('close') || (minor === 0 && !options.includes('keep-alive'));
}

function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const rest = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  return rest === target ? '/' : rest.startsWith('/') ? rest : `/${rest}`;
}
