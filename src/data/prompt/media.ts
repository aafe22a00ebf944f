import { hashBytes } from '../../scheduler/index/hash.ts';

/** Shorter strings are never taken for media. */
export const LEAST_MEDIA_BYTES = 4096;
/** What an image becomes: engines make some hundreds of tokens of it, whatever its size in bytes. */
const STAND_IN_BYTES = 1024;
/** Bytes of each end of an image that tell it from others. */
const SAMPLE_BYTES = 32 * 1024;
/** Bytes searched for a character that base64 lacks, which any text of that length has. */
const LOOKED_AT_BYTES = 1024;

/** Whether a string that is not meant as text holds an image or a sound: its base64 would count as a hundred times the tokens that the engine makes of it. */
export function isMedia(bytes: Buffer): boolean {
  if (bytes.length < LEAST_MEDIA_BYTES) return false;
  return /^[A-Za-z0-9+/_-]+=*$/.test(bytes.toString('latin1', bytes.length - LOOKED_AT_BYTES));
}

/** Writes a stand-in for the media at `at`; returns its length in bytes. */
export function writeStandIn(media: Buffer, out: Buffer, at: number): number {
  const { length } = media;
  const head = hashBytes(media, Math.min(length, SAMPLE_BYTES));
  const tail = hashBytes(media.subarray(-SAMPLE_BYTES));
  out.fill(0, at, at + STAND_IN_BYTES);
  out.writeInt32LE(length, at);
  out.writeUInt32LE(head, at + 4);
  out.writeUInt32LE(tail, at + 8);
  return STAND_IN_BYTES;
}
