import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Feed } from '../../src/dashboard/feed.ts';
import type { Watch } from '../../src/dashboard/watch.ts';
import type { Reply, ReplyWatcher } from '../../src/http/edge/reply.ts';
import { snapshotWith, workerView } from '../helpers/snapshot.ts';

/** A client that reads, or does not. */
class Client {
  reads = true;
  written = 0;
  ended = false;
  /** What was written: all of a snapshot, or what has changed. */
  readonly told: string[] = [];
  #watcher: ReplyWatcher | undefined;
  #resume: (() => void) | undefined;
  readonly reply = {
    ended: false,
    watch: (watcher: ReplyWatcher) => {
      this.#watcher = watcher;
    },
    head: () => {},
    write: (event: Buffer) => {
      this.written++;
      this.told.push(String(event).startsWith('event: changes\n') ? 'changes' : 'all');
      return this.reads;
    },
    whenDrained: (resume: () => void) => {
      this.#resume = resume;
    },
    cut: () => this.leave(),
    end: () => {
      this.ended = true;
    },
  } as unknown as Reply;

  readOn(): void {
    this.reads = true;
    this.#resume?.();
  }

  leave(): void {
    this.#watcher?.clientLeft();
  }
}

const always = () => true;

function following(snapshot = snapshotWith()) {
  const watch = { watchers: 0, made: 0 };
  const source = {
    begin: () => void watch.watchers++,
    end: () => void watch.watchers--,
    next: () => {
      watch.made++;
      return snapshot;
    },
  } as unknown as Watch;
  return { watch, feed: new Feed(source) };
}

test('one snapshot a second is made for all who look, and none when they have left', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { feed, watch } = following();
  const [a, b] = [new Client(), new Client()];
  feed.follow(a.reply, always);
  feed.follow(b.reply, always);
  assert.deepEqual([a.written, b.written, watch.made], [1, 1, 2]);
  t.mock.timers.tick(3_000);
  assert.deepEqual([a.written, b.written, watch.made, watch.watchers], [4, 4, 5, 2]);
  a.leave();
  b.leave();
  t.mock.timers.tick(3_000);
  assert.deepEqual([watch.made, watch.watchers], [5, 0]);
});

test('who does not read misses snapshots instead of filling the memory', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { feed } = following();
  const client = new Client();
  client.reads = false;
  feed.follow(client.reply, always);
  t.mock.timers.tick(60_000);
  assert.equal(client.written, 1);
  client.readOn();
  t.mock.timers.tick(1_000);
  assert.equal(client.written, 2);
  feed.close();
});

test('when it is closed every reader is cut and nothing runs on', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { feed, watch } = following();
  feed.follow(new Client().reply, always);
  feed.close();
  const { made } = watch;
  t.mock.timers.tick(5_000);
  assert.equal(watch.made, made);
});

test('who may look no more gets nothing more', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { feed, watch } = following();
  const client = new Client();
  let mayLook = true;
  feed.follow(client.reply, () => mayLook);
  mayLook = false;
  t.mock.timers.tick(1_000);
  assert.deepEqual([client.written, client.ended, watch.watchers], [1, true, 0]);
});

test('who has the snapshot before is told what has changed; who comes, or has missed one, all of it', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { feed } = following();
  const [first, second, slow] = [new Client(), new Client(), new Client()];
  feed.follow(first.reply, always);
  feed.follow(slow.reply, always);
  t.mock.timers.tick(2_000);
  slow.reads = false;
  feed.follow(second.reply, always);
  t.mock.timers.tick(2_000);
  slow.readOn();
  t.mock.timers.tick(2_000);
  assert.deepEqual(first.told, ['all', 'all', 'changes', 'changes', 'changes', 'changes', 'changes']);
  assert.deepEqual(second.told, ['all', 'all', 'changes', 'changes', 'changes']);
  assert.deepEqual(slow.told, ['all', 'all', 'changes', 'changes', 'all', 'changes']);
  feed.close();
});

test('with very many workers there is a snapshot every other second', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { feed, watch } = following(snapshotWith({ workers: Array.from({ length: 1_000 }, (_, i) => workerView(i)) }));
  feed.follow(new Client().reply, always);
  t.mock.timers.tick(1_000);
  assert.equal(watch.made, 2);
  t.mock.timers.tick(10_000);
  assert.equal(watch.made, 7);
  feed.close();
});
