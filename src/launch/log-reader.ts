import { type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const CHUNK_BYTES = 65_536;
const LOOK_AGAIN_MS = 200;
const NEWLINE = 10;

/** The last lines of a file as they are, at most `count` of them. Rejects where it cannot be read. */
export async function* lastLines(path: string, count: number): AsyncGenerator<Uint8Array> {
  await using file = await open(path);
  yield* read(file, await startOfLast(file, count));
}

/**
 * The same, and then what is written to it, also when it is renamed and begun again. Ends when `over` says that nothing
 * more comes and everything was read.
 */
export async function* follow(path: string, count: number, over: () => boolean): AsyncGenerator<Uint8Array> {
  let at: number | undefined;
  for (let more = true; more; ) {
    await using file = await opened(path, at === undefined || over());
    if (file === undefined) continue;
    at ??= await startOfLast(file, count);
    for (;;) {
      // Asked before reading: what was written until then is read.
      const ended = over();
      const renamed = (await stat(path).catch(() => undefined))?.ino !== (await file.stat()).ino;
      for await (const chunk of read(file, at)) {
        at += chunk.length;
        yield chunk;
      }
      more = !ended;
      if (ended || renamed) break;
      await delay(LOOK_AGAIN_MS);
    }
    at = 0;
  }
}

/** Between the renaming of a file and the next with its name there is none. */
async function opened(path: string, must: boolean): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if (must) throw error;
    await delay(LOOK_AGAIN_MS);
    return undefined;
  }
}

/** Where the last `count` lines begin. */
async function startOfLast(file: FileHandle, count: number): Promise<number> {
  const { size } = await file.stat();
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let left = count;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const { bytesRead } = await file.read(buffer, 0, end - start, start);
    for (let index = bytesRead - 1; index >= 0; index--) {
      // The newline at the very end begins no line.
      if (buffer[index] === NEWLINE && start + index < size - 1 && --left === 0) return start + index + 1;
    }
    end = start;
  }
  return 0;
}

async function* read(file: FileHandle, from: number): AsyncGenerator<Uint8Array> {
  for (let at = from; ; ) {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
