import { BLOCK_BYTES, MAX_BLOCKS } from '../index/blocks.ts';
import type { SharedChoice } from '../policies/shared-choice.ts';

/** What one router tells another: one line each, its fields separated by spaces. */
export type Notice =
  | { readonly kind: 'chosen'; readonly number: number; readonly choice: SharedChoice }
  | { readonly kind: 'computed'; readonly number: number }
  | { readonly kind: 'settled'; readonly number: number; readonly surplusTokens: number };

/** The first line. A router with another one hashes prompts in another way and is not listened to. */
export const GREETING = 'sglang-router choices 1';

/** Whether this machine is little-endian, as the lines are. */
const HAS_LOW_FIRST = new Uint8Array(new Int32Array([1]).buffer)[0] === 1;
/** Length of the line for the longest prompt. */
export const MAX_LINE_BYTES = Math.ceil((MAX_BLOCKS * 8 * 4) / 3) + 16 * 1024;

export function chosenLine(number: number, choice: SharedChoice): string {
  const { url, promptBytes, hashes, depths, uncachedTokens, streams, session } = choice;
  const fields = [number, url, promptBytes, Math.round(uncachedTokens), streams ? 1 : 0, session ?? '', depths.join()];
  return `c ${fields.join(' ')} ${bytesOf(hashes).toString('base64')}\n`;
}

export function computedLine(number: number): string {
  return `p ${number}\n`;
}

export function settledLine(number: number, surplusTokens: number): string {
  return `e ${number} ${Math.round(surplusTokens)}\n`;
}

/** Reads one line, without its end. Throws a RangeError for one that no router of this version writes. */
export function readNotice(line: string): Notice {
  const [kind, number = '', ...rest] = line.split(' ');
  if (kind === 'c' && rest.length === 7) return { kind: 'chosen', number: integer(number), choice: readChoice(rest) };
  if (kind === 'p' && rest.length === 0) return { kind: 'computed', number: integer(number) };
  if (kind === 'e' && rest.length === 1) {
    return { kind: 'settled', number: integer(number), surplusTokens: integer(rest[0] as string) };
  }
  throw unreadable(line);
}

function readChoice(fields: readonly string[]): SharedChoice {
  const [url = '', bytes = '', tokens = '', streams = '', session = '', depths = '', base64 = ''] = fields;
  const promptBytes = integer(bytes);
  const hashes = hashesOf(Buffer.from(base64, 'base64'));
  const blocks = hashes.length / 2;
  if (blocks !== Math.ceil(promptBytes / BLOCK_BYTES) || blocks > MAX_BLOCKS || promptBytes < 0)
    throw unreadable(bytes);
  const shared = depths === '' ? [] : depths.split(',').map(integer);
  if (shared.some((depth) => depth < 1 || depth > blocks)) throw unreadable(depths);
  return {
    url,
    promptBytes,
    hashes,
    depths: shared,
    uncachedTokens: integer(tokens),
    streams: streams === '1',
    session: session === '' ? undefined : integer(session),
  };
}

function bytesOf(hashes: Int32Array): Buffer {
  const bytes = Buffer.from(hashes.buffer, hashes.byteOffset, hashes.byteLength);
  return HAS_LOW_FIRST ? bytes : Buffer.from(bytes).swap32();
}

/** Copies the bytes, as decoded base64 need not be aligned for an Int32Array. */
function hashesOf(bytes: Buffer): Int32Array {
  if (bytes.length % 8 !== 0) throw unreadable(`${bytes.length} bytes of hashes`);
  const hashes = new Int32Array(bytes.length / 4);
  new Uint8Array(hashes.buffer).set(HAS_LOW_FIRST ? bytes : Buffer.from(bytes).swap32());
  return hashes;
}

function integer(word: string): number {
  const value = Number(word);
  if (word === '' || !Number.isSafeInteger(value)) throw unreadable(word);
  return value;
}

function unreadable(text: string): RangeError {
  return new RangeError(`expected a line of ${GREETING}, got '${text.slice(0, 60)}'`);
}
