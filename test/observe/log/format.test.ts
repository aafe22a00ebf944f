import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { formatJson, formatPretty, formatText } from '../../../src/observe/log/format.ts';
import { createLog, type FormatLine, LEVELS } from '../../../src/observe/log/log.ts';

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

test('pretty: the same words in columns, with colours', () => {
  const line = formatPretty(TIME, 'info', 'request', { path: '/generate' });
  assert.notEqual(stripVTControlCharacters(line), line);
  assert.match(stripVTControlCharacters(line), /^\d\d:\d\d:\d\d\.123 INFO {5}request +path=\/generate\n$/);
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
