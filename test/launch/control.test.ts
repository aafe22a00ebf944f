import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask, type Fulfil, openControl, type Wish } from '../../src/launch/control.ts';

const WISH: Wish = { wish: 'restart', servers: ['w1'], force: false };

async function control(t: { after(then: () => void): void }, fulfil: Fulfil): Promise<string> {
  const path = join(mkdtempSync(join('/tmp', 'control-')), 'control.sock');
  const server = await openControl(path, fulfil);
  t.after(() => void server.close());
  return path;
}

/** What comes back for these bytes. */
async function answerTo(path: string, text: string): Promise<string> {
  const socket = createConnection(path);
  socket.end(text);
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    answer += chunk;
  });
  await once(socket, 'close');
  return answer;
}

test('a wish is done, and how it goes is told as it goes', async (t) => {
  const heard: unknown[] = [];
  const path = await control(t, async (wish, tell) => {
    heard.push(wish);
    tell('one');
    tell('two');
    return undefined;
  });
  assert.equal(await ask(path, WISH, (line) => heard.push(line)), undefined);
  assert.deepEqual(heard, [WISH, 'one', 'two']);
});

test('what went wrong comes back, also when it is an error', async (t) => {
  let calls = 0;
  const path = await control(t, async () => {
    if (calls++ > 0) throw new Error('broken');
    return 'not now';
  });
  assert.equal(await ask(path, WISH, () => {}), 'not now');
  assert.equal(await ask(path, WISH, () => {}), 'broken');
});

test('what is no wish is not done: other words, no end of line, more than a line may have', async (t) => {
  let calls = 0;
  const path = await control(t, async () => {
    calls++;
    return undefined;
  });
  const wrong = [
    '\n',
    'restart\n',
    '{"wish":"restart"}\n',
    '{"wish":"stop","servers":[],"force":true}\n',
    'x'.repeat(100_000),
  ];
  for (const text of [...wrong, '']) assert.equal(await answerTo(path, text), '');
  assert.equal(calls, 0);
});

test('what was begun goes on when the asker leaves', async (t) => {
  const begun = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  const path = await control(t, async (_, tell) => {
    begun.resolve();
    await left.promise;
    tell('nobody hears this');
    done.resolve();
    return undefined;
  });
  const socket = createConnection(path);
  socket.write(`${JSON.stringify(WISH)}\n`);
  await begun.promise;
  socket.destroy();
  await once(socket, 'close');
  left.resolve();
  await done.promise;
  assert.equal(await ask(path, WISH, () => {}), undefined);
});

test('nobody listens', async () => {
  await assert.rejects(
    ask('/tmp/no-such.sock', WISH, () => {}),
    { code: 'ENOENT' },
  );
});
