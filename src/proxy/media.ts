import { hashBytes } from '../state/hash.ts';
import { skipString } from './json-scan.ts';

const MARK = 'base64';
const QUOTE = 0x22;
/** Shorter strings stay as they are. */
const SHORTEST_MEDIA_BYTES = 4096;
/** So much from either end of an image tells it from others. */
const SAMPLE_BYTES = 32 * 1024;
/** What an image becomes: engines make some hundreds of tokens of it, whatever its size in bytes. */
const STAND_IN_BYTES = 1024;

/**
 * The prompt with embedded images and sounds shortened to a stand-in that tells them apart: their base64 text would count as
 * a hundred times the tokens that the engine makes of them. The same bytes come back where there are none.
 */
export function shortenMedia(prompt: Buffer): Buffer {
  if (prompt.length < SHORTEST_MEDIA_BYTES || !prompt.includes(MARK)) return prompt;
  const parts: Buffer[] = [];
  let kept = 0;
  for (let at = prompt.indexOf(QUOTE); at >= 0; ) {
    const end = Math.min(skipString(prompt, at), prompt.length);
    if (end - at > SHORTEST_MEDIA_BYTES && isMedia(prompt, end)) {
      parts.push(prompt.subarray(kept, at), standIn(prompt.subarray(at, end)));
      kept = end;
    }
    at = prompt.indexOf(QUOTE, end);
  }
  return parts.length === 0 ? prompt : Buffer.concat([...parts, prompt.subarray(kept)]);
}

/** Text has a space, or a character that base64 has not, among any hundreds. Some encoders of JSON escape `/` and `=`. */
function isMedia(prompt: Buffer, end: number): boolean {
  const last = prompt.toString('latin1', end - SHORTEST_MEDIA_BYTES / 4, end - 1);
  return /^(?:[A-Za-z0-9+/_-]|\\\/)+(?:=|\\u003[dD])*$/.test(last);
}

function standIn(media: Buffer): Buffer {
  const out = Buffer.alloc(STAND_IN_BYTES);
  out.writeInt32LE(media.length, 0);
  out.writeUInt32LE(hashBytes(media.subarray(0, SAMPLE_BYTES)), 4);
  out.writeUInt32LE(hashBytes(media.subarray(-SAMPLE_BYTES)), 8);
  return out;
}
