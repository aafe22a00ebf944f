import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

const LOOK_MS = 1_000;

/**
 * Keeps V8's space for new objects from growing far beyond `maxBytes`: under load it doubles up to 134 MB, for no time that can be
 * measured. Its limit can only be set before a process starts; the factor by which it grows can be set at any time. V8 shrinks it while
 * little is allocated, after which it may grow again.
 */
export function boundNursery(maxBytes: number): void {
  let grows = true;
  setInterval(() => {
    const mayGrow = nurseryBytes() * 2 <= maxBytes;
    if (mayGrow === grows) return;
    grows = mayGrow;
    setFlagsFromString(`--semi-space-growth-factor=${grows ? 2 : 1}`);
  }, LOOK_MS).unref();
}

/** Memory reserved for new objects. */
export function nurseryBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}
