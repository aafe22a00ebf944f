import type { Snapshot } from './snapshot.ts';

/** Far beyond a snapshot of a thousand workers. */
const MOST_CHARACTERS = 16 * 1024 * 1024;

/** The snapshots of an answer of `/dashboard/feed`, as they come. */
export async function* readFeed(body: ReadableStream<Uint8Array>): AsyncGenerator<Snapshot> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      if (text.length > MOST_CHARACTERS) throw new Error('a snapshot is longer than any router makes it');
      // Where several have come at once, only the last is news.
      const last = events.at(-1);
      if (last?.startsWith('data: ')) yield JSON.parse(last.slice('data: '.length));
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
