import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { runUntilSignal, type Stopping } from '../../src/cli/exit.ts';

const stopping = (drain: Promise<void>, abort: () => void = () => assert.fail('aborted')): Stopping => ({
  drain: () => drain,
  abort,
});

test('the first signal drains, and the exit code is 0', async () => {
  const source = new EventEmitter();
  const drained = Promise.withResolvers<void>();
  const code = runUntilSignal(stopping(drained.promise), undefined, source);
  source.emit('SIGTERM', 'SIGTERM');
  drained.resolve();
  assert.equal(await code, 0);
  assert.deepEqual(source.eventNames(), []);
});

for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`a second signal ends at once: ${signal} is exit code ${exitCode}`, async () => {
    const source = new EventEmitter();
    const drained = Promise.withResolvers<void>();
    // As servers that are killed while they are being stopped: the drain ends as well.
    let nowMs = 0;
    const code = runUntilSignal(stopping(drained.promise, drained.resolve), undefined, source, () => nowMs);
    source.emit('SIGINT', 'SIGINT');
    nowMs += 200;
    source.emit(signal, signal);
    assert.equal(await code, exitCode);
  });
}

test('one Ctrl-C that arrives twice is one signal', async () => {
  const source = new EventEmitter();
  const drained = Promise.withResolvers<void>();
  let nowMs = 0;
  const code = runUntilSignal(stopping(drained.promise), undefined, source, () => nowMs);
  source.emit('SIGINT', 'SIGINT');
  nowMs += 20;
  source.emit('SIGINT', 'SIGINT');
  drained.resolve();
  assert.equal(await code, 0);
});

test('work that ends by itself says how', async () => {
  const source = new EventEmitter();
  const never = stopping(new Promise(() => {}));
  assert.equal(await runUntilSignal(never, Promise.resolve(7), source), 7);
  await assert.rejects(
    runUntilSignal(never, Promise.reject(new Error('last server gone')), source),
    /last server gone/,
  );
});

test('what the work says while it is stopped does not count', async () => {
  const source = new EventEmitter();
  const work = Promise.withResolvers<number>();
  const drained = Promise.withResolvers<void>();
  const code = runUntilSignal(stopping(drained.promise), work.promise, source);
  source.emit('SIGHUP', 'SIGHUP');
  work.reject(new Error('stopped'));
  drained.resolve();
  assert.equal(await code, 0);
});

test('under nohup a terminal that is closed ends nothing', async (t) => {
  process.env.SGLANG_ROUTER_NOHUP = '1';
  t.after(() => {
    delete process.env.SGLANG_ROUTER_NOHUP;
  });
  const source = new EventEmitter();
  const work = Promise.withResolvers<number>();
  const code = runUntilSignal(stopping(new Promise(() => {})), work.promise, source);
  source.emit('SIGHUP', 'SIGHUP');
  work.resolve(7);
  assert.equal(await code, 7);
});
