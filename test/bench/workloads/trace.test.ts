import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseBenchOptions } from '../../../src/bench/options.ts';
import { possibleHits, type Session } from '../../../src/bench/prompt.ts';
import { TRACE } from '../../../src/bench/workloads/trace.ts';
import { ExitError } from '../../../src/errors/errors.ts';
import type { TraceRow } from '../../../src/observe/traffic/trace-row.ts';
import { tokenize } from '../../../src/sim/tokens.ts';

function file(...lines: readonly (string | TraceRow)[]): string {
  const path = join(mkdtempSync(join(tmpdir(), 'trace-')), 'trace.jsonl');
  writeFileSync(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return path;
}

const load = (path: string, ...flags: readonly string[]) =>
  TRACE.build(parseBenchOptions(['--trace-file', path, ...flags]));

/** The prompt of a turn, as it is sent once the answers before it are there. */
function promptOf({ turns }: Session, last: number): string {
  let said = '';
  turns.slice(0, last + 1).forEach(({ added, dropsAnswer }, i) => {
    if (i > 0 && !dropsAnswer) said += ' gog'.repeat(turns[i - 1]?.outputTokens ?? 0);
    said += added.map(({ text }) => text).join('');
  });
  return said;
}

const row = (id: number, timestamp: number, input: number, more: Partial<TraceRow> = {}): TraceRow => ({
  ...{ id, timestamp, input_length: input, output_length: 10, hash_ids: [], status: 200, duration: 100 },
  ...more,
});

const isUsage = (pattern: RegExp) => (error: unknown) =>
  error instanceof ExitError && error.code === 'usage' && pattern.test(error.message);

test("a trace in Mooncake's format is sent as it stands there: an id is a text", () => {
  const { sessions } = load(
    file(
      '{"timestamp":0,"input_length":600,"output_length":3,"hash_ids":[7,8]}',
      '{"timestamp":250,"input_length":1024,"output_length":4,"hash_ids":[7,9]}',
    ),
  );
  const texts = sessions.map((session) => promptOf(session, 0));
  assert.deepEqual(
    texts.map((text) => text.length / 4),
    [600, 1024],
  );
  assert.equal(texts[0]?.slice(0, 2048), texts[1]?.slice(0, 2048));
  assert.notEqual(texts[0]?.slice(0, 2400), texts[1]?.slice(0, 2400));
  assert.deepEqual(
    sessions.map(({ startMs }) => startMs),
    [0, 250],
  );
});

test('requests are sent by time, the first at once, whatever their order in the file', () => {
  const { sessions } = load(file(row(2, 5_000, 100), row(1, 4_000, 200)));
  assert.deepEqual(
    sessions.map(({ startMs, turns }) => [startMs, turns[0]?.added[0]?.tokens]),
    [
      [0, 200],
      [1_000, 100],
    ],
  );
});

test('a prompt shares with its parent what the trace says, and nothing more', () => {
  const { sessions } = load(
    file(
      row(1, 0, 2_000),
      row(2, 10, 1_500, { parent: 1, shared_length: 1_008 }),
      row(3, 20, 1_600, { parent: 2, shared_length: 1_200 }),
      row(4, 30, 1_700, { parent: 3, shared_length: 512 }),
    ),
  );
  const [first = '', second = '', third = '', fourth = ''] = sessions.map((session) => promptOf(session, 0));
  const shared = (a: string, b: string) => {
    const [one, other] = [tokenize(a), tokenize(b)];
    return one.findIndex((token, i) => token !== other[i]);
  };
  assert.deepEqual(
    [first, second, third, fourth].map((text) => tokenize(text).length),
    [2_000, 1_500, 1_600, 1_700],
  );
  assert.deepEqual(
    [shared(second, first), shared(third, second), shared(third, first), shared(fourth, first)],
    [1_008, 1_200, 1_008, 512],
  );
  assert.equal(possibleHits(sessions).hitTokens, 1_008 + 1_200 + 512);
});

test('those that share a request that is not in the trace share it with each other', () => {
  const lost = { parent: 1, shared_length: 400 };
  const { sessions } = load(file(row(2, 0, 500, lost), row(3, 1, 600, lost)));
  assert.equal(possibleHits(sessions).hitTokens, 400);
});

test('a conversation is sent as one: the next turn waits for the answer, as long as its user did', () => {
  const { sessions } = load(
    file(
      row(1, 0, 1_000),
      row(2, 400, 1_100, { parent: 1, shared_length: 1_000, continues: true }),
      row(3, 450, 900, { parent: 2, shared_length: 800 }),
      row(4, 1_000, 1_300, { parent: 2, shared_length: 1_100, continues: true }),
    ),
  );
  assert.deepEqual(
    sessions.map(({ startMs, turns }) => [startMs, turns.map(({ pauseMs }) => pauseMs)]),
    [
      [0, [0, 300, 500]],
      [450, [0]],
    ],
  );
  const last = tokenize(promptOf(sessions[0] as Session, 2));
  assert.equal(last.length, 1_300);
  assert.equal(possibleHits(sessions).hitTokens, 1_010 + 800 + 1_110);
});

test('a turn whose prompt has no answer in it is sent without one', () => {
  const { sessions } = load(
    file(
      row(1, 0, 1_000, { output_length: 500 }),
      row(2, 400, 1_100, { parent: 1, shared_length: 1_000, continues: true }),
    ),
  );
  assert.equal(tokenize(promptOf(sessions[0] as Session, 1)).length, 1_100);
  assert.equal(possibleHits(sessions).hitTokens, 1_000);
});

test('what goes on before the answer was there, or a second time, is a request of its own that shares the same', () => {
  const goesOn = { parent: 1, shared_length: 1_000, continues: true };
  const { sessions } = load(
    file(row(1, 0, 1_000), row(2, 50, 1_100, goesOn), row(3, 200, 1_200, goesOn), row(4, 300, 1_300, goesOn)),
  );
  assert.deepEqual(
    sessions.map(({ startMs, turns }) => [startMs, turns.length]),
    [
      [0, 2],
      [50, 1],
      [300, 1],
    ],
  );
});

test('of a request without an answer is known what others asked for', () => {
  const { sessions } = load(
    file(row(1, 0, 100, { output_length: 30 }), row(2, 9, 100, { status: 503, output_length: 1 })),
  );
  assert.deepEqual(
    sessions.map(({ turns }) => turns[0]?.outputTokens),
    [30, 30],
  );
});

test('--request-rate and --scale change when and how much of it is sent', () => {
  const path = file(row(1, 0, 100), row(2, 60_000, 100), row(3, 70_000, 100), row(4, 80_000, 100));
  assert.ok(load(path, '--request-rate', 'inf').sessions.every(({ startMs }) => startMs === 0));
  assert.equal(load(path, '--scale', '0.5').sessions.length, 2);
  assert.throws(() => load(path, '--scale', '2'), isUsage(/at most 1/));
});

test('a file that holds no trace, or several, is a usage error that names the line', () => {
  const good = row(1, 0, 100);
  assert.throws(() => load(file(good, '{"timestamp":1}', good)), isUsage(/in line 2/));
  assert.throws(() => load(file({ ...good, input_length: 1e12 }, good)), isUsage(/in line 1/));
  assert.throws(() => load(file(good, good)), isUsage(/line 2 has the request 1 of an earlier one/));
  assert.throws(() => load(file('')), isUsage(/no request/));
  assert.throws(() => load('/nowhere/trace.jsonl'), isUsage(/--trace-file/));
});

test('a last line that was not finished is left out', () => {
  assert.equal(load(file(row(1, 0, 100), '{"timestamp":7,"inp')).sessions.length, 1);
});

test('a prompt has the answer to another conversation in it, once that is there', () => {
  const { sessions } = load(
    file(
      row(1, 0, 1_000),
      row(2, 400, 1_100, { parent: 1, shared_length: 1_000, continues: true }),
      row(3, 500, 1_050, { parent: 2, shared_length: 1_040 }),
    ),
  );
  const [conversation, other] = sessions;
  conversation?.turns[0]?.answer?.fill(' gog'.repeat(10), new Int32Array());
  const [first = '', third = ''] = [promptOf(conversation as Session, 1), promptOf(other as Session, 0)];
  assert.equal(third.slice(0, 4 * 1_040), first.slice(0, 4 * 1_040));
  assert.equal(tokenize(third).length, 1_050);
});
