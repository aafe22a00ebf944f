import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { formatJson, formatText, prettyFormat } from '../../../src/observe/log/format.ts';
import { type Fields, type FormatLine, LEVELS, type Level } from '../../../src/observe/log/line.ts';
import { createLog } from '../../../src/observe/log/log.ts';
import { paintFor } from '../../../src/terminal/kind.ts';

const TIME = new Date('2026-11-21T12:00:00.123Z');

test('text: time, level, message, fields; what could break a line apart is quoted', () => {
  const fields = { url: 'http://w0', n: 3, gone: undefined, said: 'a b', evil: 'x\nERROR y', equals: 'a=b', none: '' };
  assert.equal(
    formatText(TIME, 'warning', 'worker lost', fields),
    '2026-11-21T12:00:00.123Z WARNING  worker lost url=http://w0 n=3 said="a b" evil="x\\nERROR y" equals="a=b" none=\n',
  );
});

test('text: what a terminal could obey is shown, not sent', () => {
  const line = formatText(TIME, 'info', 'said', { text: 'a\u009b31m\u2028\u202eb' });
  assert.match(line, /text="a\\u009b31m\\u2028\\u202eb"\n$/);
});

test('JSON: one object a line, whose own fields cannot be taken over', () => {
  const line = formatJson(TIME, 'error', 'two\nlines', { level: 'mine', time: 'mine', message: 'mine', n: 1 });
  assert.equal(line.indexOf('\n'), line.length - 1);
  assert.deepEqual(JSON.parse(line), { time: TIME.toISOString(), level: 'error', message: 'two\nlines', n: 1 });
});

/** On a terminal of so many columns, with its clock taken off. */
function pretty(columns: number, ...line: [level: Level, message: string, fields?: Fields]): string {
  const paint = paintFor(true, {});
  const text = prettyFormat({ paint, columns: () => columns })(TIME, line[0], line[1], line[2]);
  assert.notEqual(stripVTControlCharacters(text), text);
  return stripVTControlCharacters(text).replace(/^\d\d:\d\d:\d\d\.123 /, '<clock> ');
}

test('pretty: the same words, with colours', () => {
  assert.equal(
    pretty(80, 'info', 'worker lost', { worker: 'http://w0' }),
    '<clock> INFO     worker lost worker=http://w0\n',
  );
});

test('pretty: lines end between words, below the message, and a word that is too long is whole', () => {
  const path = '/tmp/a-folder-with-a-long-name/w1.log';
  assert.deepEqual(pretty(50, 'warning', 'w1 died: it was killed (SIGKILL), its log:', { path, n: 1 }).split('\n'), [
    '<clock> WARNING  w1 died: it was killed',
    '                      (SIGKILL), its log:',
    `                      path=${path}`,
    '                      n=1',
    '',
  ]);
});

test('pretty: lines of a message stay as they are', () => {
  assert.equal(pretty(80, 'error', 'one\n  | two'), '<clock> ERROR    one\n  | two\n');
});

test('a level lets itself and all above through', () => {
  for (const [at, level] of LEVELS.entries()) {
    const seen: string[] = [];
    const note: FormatLine = (_time, name) => name;
    const log = createLog(level, (line) => seen.push(line), note);
    for (const name of LEVELS) log[name]('said');
    assert.deepEqual(seen, LEVELS.slice(at));
    assert.equal(log.debugEnabled, level === 'debug');
  }
});
