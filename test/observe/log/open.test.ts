import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ExitError } from '../../../src/errors/errors.ts';
import { type LogOptions, openLog } from '../../../src/observe/log/open.ts';
import { answeredRequest } from '../../helpers/request-record.ts';

/** A log whose console is an array. */
function opened(options: Partial<LogOptions> = {}, isTTY = false) {
  let text = '';
  const log = openLog({
    level: 'info',
    format: 'auto',
    dir: undefined,
    secrets: [],
    paint: (_style, text) => text,
    console: { isTTY, write: (chunk) => (text += chunk) },
    ...options,
  });
  return { ...log, lines: () => text.split('\n').slice(0, -1) };
}

test('auto is JSON, and text on a terminal; the others are what they say', async () => {
  for (const [format, isTTY, json] of [
    ['auto', false, true],
    ['auto', true, false],
    ['json', true, true],
    ['text', false, false],
  ] as const) {
    const { log, lines, close } = opened({ format }, isTTY);
    log.info('hello');
    await close();
    assert.equal(lines()[0]?.startsWith('{'), json, `${format} ${isTTY}`);
  }
});

test('a log that nobody reads costs no memory without end; what is left out is said', async () => {
  const written: string[] = [];
  const console = { isTTY: false, writableLength: 0, write: (text: string) => void written.push(text) };
  const { log, close } = opened({ console });
  log.info('read');
  console.writableLength = 9 * 2 ** 20;
  log.info('not read');
  console.writableLength = 0;
  log.info('read again');
  await close();
  const lines = written.map((line) => JSON.parse(line) as { message: string; characters?: number });
  assert.deepEqual(
    lines.map(({ message }) => message),
    ['read', 'log lines left out: nobody read them', 'read again'],
  );
  assert.ok((lines[1]?.characters ?? 0) > 50);
});

test('a request has one line with all that is known of it, and nothing of its query or prompt', async () => {
  const { access, lines, close } = opened();
  access?.(
    answeredRequest({
      id: 'chatcmpl-1',
      path: '/v1/chat/completions',
      model: 'qwen',
      matchedBytes: 512,
      promptBytes: 1_024,
      queueMs: 1.26,
      firstByteMs: 30.04,
      promptTokens: 300,
      cachedTokens: 128,
      completionTokens: 20,
      requestBytes: 1_100,
      answerBytes: 2_200,
    }),
  );
  await close();
  assert.equal(lines().length, 1);
  const { time, ...fields } = JSON.parse(lines()[0] ?? '');
  assert.ok(!Number.isNaN(Date.parse(time)));
  assert.deepEqual(fields, {
    level: 'info',
    message: 'request',
    id: 'chatcmpl-1',
    method: 'POST',
    path: '/v1/chat/completions',
    status: 200,
    model: 'qwen',
    worker: 'http://w0:8000',
    policy: 'cache_aware',
    reason: 'match',
    matched_bytes: 512,
    attempts: 1,
    queue_ms: 1.3,
    ttft_ms: 30,
    total_ms: 1_500,
    prompt_tokens: 300,
    cached_tokens: 128,
    completion_tokens: 20,
    request_bytes: 1_100,
    answer_bytes: 2_200,
  });
});

test('a client that left is said, and a huge path is cut', async () => {
  const { access, lines, close } = opened();
  access?.(answeredRequest({ clientLeft: true, path: `/${'a'.repeat(5_000)}` }));
  await close();
  const { status, path } = JSON.parse(lines()[0] ?? '');
  assert.equal(status, 'client left');
  assert.ok(path.length < 300);
});

test('above info requests have no line', () => {
  assert.equal(opened({ level: 'warning' }).access, undefined);
});

test('lines of requests wait for company, but never behind another line', async () => {
  const { log, access, lines, close } = opened();
  access?.(answeredRequest({ id: 'first' }));
  assert.equal(lines().length, 0);
  log.warning('second');
  assert.match(lines()[0] ?? '', /first/);
  assert.match(lines()[1] ?? '', /second/);
  access?.(answeredRequest({ id: 'third' }));
  while (lines().length < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  await close();
});

test('a key is in no line, however it got there', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'open-log-'));
  const key = 'sk-"q/?&é\\end';
  const { log, access, lines, close } = opened({
    secrets: [key, undefined, ''],
    dir: { path: dir, flag: '--log-dir' },
    format: 'text',
  });
  log.info(`clients send ${key}`, { authorization: `Bearer ${key}` });
  log.info('as a URL', { url: `/x?key=${encodeURIComponent(key)}` });
  access?.(answeredRequest({ path: `/${key}` }));
  await close();
  const file = readFileSync(join(dir, readdirSync(dir)[0] ?? ''), 'utf8');
  for (const text of [lines().join('\n'), file]) {
    assert.ok(text.includes('***'));
    assert.ok(!text.includes('q/') && !text.includes('q%2F') && !text.includes('end"'), text);
  }
  rmSync(dir, { recursive: true });
});

test('with a folder the same lines are in a file, as JSON unless text is asked for', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'open-log-'));
  const { log, access, close } = opened({ dir: { path: dir, flag: '--log-dir' } }, true);
  log.error('first');
  access?.(answeredRequest({ id: 'second' }));
  await close();
  const [name = ''] = readdirSync(dir);
  assert.match(name, /^sgl-router\.\d{4}-\d\d-\d\d\.log$/);
  const lines = readFileSync(join(dir, name), 'utf8').trim().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).message),
    ['first', 'request'],
  );
  rmSync(dir, { recursive: true });
});

test('a folder that cannot be made ends the start', () => {
  const dir = mkdtempSync(join(tmpdir(), 'open-log-'));
  writeFileSync(join(dir, 'file'), '');
  assert.throws(
    () => opened({ dir: { path: join(dir, 'file'), flag: '--log-dir' } }),
    (error) => error instanceof ExitError && error.code === 'usage' && error.message.startsWith('--log-dir:'),
  );
  rmSync(dir, { recursive: true });
});

test('what waits is written when the process ends of itself', async () => {
  const script = `
    import { openLog } from '${import.meta.dirname}/../../../src/observe/log/open.ts';
    import { answeredRequest } from '${import.meta.dirname}/../../helpers/request-record.ts';
    const console = { isTTY: false, write: (text) => process.stderr.write(text) };
    const { access } = openLog({ level: 'info', format: 'json', dir: undefined, secrets: [], colours: false, console });
    access(answeredRequest({ id: 'last words' }));
    process.exit(0);`;
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', script]);
  assert.match(stderr, /last words/);
});
