import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseWorkersFile } from '../../../src/fleet/sources/workers-file.ts';
import type { Role } from '../../../src/fleet/worker-spec.ts';

const env = { DECODE_KEY: 'secret', EMPTY: '' };
const ALL: readonly Role[] = ['regular', 'prefill', 'decode'];
const parse = (text: string, roles = ALL) => parseWorkersFile(text, { roles, env });

test('one worker a line, with comments, blank lines, tabs and Windows line ends', () => {
  const text = [
    '# the fleet',
    '',
    'http://a:8000/',
    '  http://b:8000   # the slow one',
    'http://p:8000\trole=prefill bootstrap_port=9000\r',
    'http://q:8000 role=prefill bootstrap_port=none',
    'https://d:8000/base role=decode api_key_env=DECODE_KEY',
    'http://r:8000 role=regular',
  ].join('\n');
  assert.deepEqual(parse(text), [
    { url: 'http://a:8000' },
    { url: 'http://b:8000' },
    { url: 'http://p:8000', role: 'prefill', bootstrapPort: 9000 },
    { url: 'http://q:8000', role: 'prefill', bootstrapPort: null },
    { url: 'https://d:8000/base', role: 'decode', apiKey: 'secret' },
    { url: 'http://r:8000', role: 'regular' },
  ]);
  assert.deepEqual(parse(''), []);
});

const MISTAKES: readonly (readonly [line: string, problem: RegExp])[] = [
  ['a:8000', /^line 1: expected a URL .*, got 'a:8000'; write http:\/\/a:8000$/],
  ['http://a:8000#1', /^line 1: expected a URL without user, query or fragment/],
  ['http://a:8000 role=both', /^line 1: role: expected regular or prefill or decode on this router, got 'both'$/],
  ['http://a:8000 prefill', /^line 1: expected one of role=, bootstrap_port=, api_key_env=, got 'prefill'$/],
  ['http://a:8000 weight=2', /^line 1: expected one of .*, got 'weight=2'$/],
  ['http://a:8000 toString=2', /^line 1: expected one of .*, got 'toString=2'$/],
  ['http://a:8000 role=prefill bootstrap_port=x', /^line 1: bootstrap_port: invalid bootstrap port 'x'/],
  ['http://a:8000 bootstrap_port=9000', /^line 1: bootstrap_port needs role=prefill$/],
  ['http://a:8000 api_key_env=EMPTY', /^line 1: api_key_env: .* but 'EMPTY' is not set$/],
  ['http://a:8000\nhttp://a:8000/', /^line 2: 'http:\/\/a:8000' is the server of line 1; name each once$/],
  ['x\n\n# y\nz', /^line 1: .*; line 4: /],
];

for (const [text, problem] of MISTAKES) {
  test(`refused: ${JSON.stringify(text)}`, () => {
    assert.throws(() => parse(text), { name: 'WorkersFileError', message: problem });
  });
}

test('a role that the router has no use for is a mistake', () => {
  assert.throws(
    () => parse('http://a role=decode', ['regular']),
    /line 1: role: expected regular on this router, got 'decode'/,
  );
  assert.throws(() => parse('http://a', ['prefill', 'decode']), /line 1: needs role=prefill or role=decode/);
});
