import { CHANGES, withChanges } from './changes.ts';
import type { Snapshot } from './snapshot.ts';

/** Far beyond a snapshot of a thousand workers. */
const MOST_CHARACTERS = 16 * 1024 * 1024;
const EVENT = /^(?:event: (\w+)\n)?data: (.*)$/;

/** The snapshots of an answer of `/dashboard/feed`, as they come; workers that are as they were are the same objects. */
export async function* readFeed(body: ReadableStream<Uint8Array>): AsyncGenerator<Snapshot> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = '';
  let latest: Snapshot | undefined;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      if (text.length > MOST_CHARACTERS) throw new Error('a snapshot is longer than any router makes it');
      for (const event of events) latest = after(latest, event);
      // Where several have come at once, only the last is news.
      if (events.length > 0 && latest) yield latest;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function after(before: Snapshot | undefined, event: string): Snapshot | undefined {
  const [, name, data] = EVENT.exec(event) ?? [];
  if (data === undefined) return before;
  const told: Snapshot = JSON.parse(data);
  return name === CHANGES && before ? withChanges(before, told) : told;
}
