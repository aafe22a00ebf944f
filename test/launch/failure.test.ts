import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endedFailure, explain, type Failing, toExitError } from '../../src/launch/failure.ts';

const FAILING: Failing = {
  name: 'w0',
  address: '127.0.0.1:31000',
  stage: 'starting',
  phase: { name: 'weights', progress: 0.5 },
  elapsedMs: 12_345,
  lines: Array.from({ length: 40 }, (_, index) => `line ${index}`),
  logPath: '/logs/w0.log',
};

test('an unknown cause says how the server ended and what it was last seen at', () => {
  const { text } = endedFailure(FAILING, { kind: 'code', code: 7 });
  assert.equal(
    text,
    'w0 (127.0.0.1:31000) did not start: no known cause, last seen at: weights 50% (exit code 7, after 12.3 s)',
  );
});

test('a silent end, a signal, and a server that had served', () => {
  const failure = endedFailure({ ...FAILING, lines: [], stage: 'running' }, { kind: 'signal', signal: 'SIGKILL' });
  assert.equal(failure.text, 'w0 (127.0.0.1:31000) died: it said nothing (killed by SIGKILL, after 12.3 s)');
});

test('the explanation has the last lines and the path of the log', () => {
  const failure = endedFailure(FAILING, { kind: 'code', code: 7 });
  const lines = explain(failure).split('\n');
  assert.equal(lines.filter((line) => line.startsWith('  | ')).length, 15);
  assert.equal(lines.at(-2), '  | line 39');
  assert.equal(lines.at(-1), '  whole log: /logs/w0.log');
});

test('as the end of the command it has the hint and exit code 1', () => {
  const lines = ['RuntimeError: Found no NVIDIA driver'];
  const error = toExitError(endedFailure({ ...FAILING, lines }, { kind: 'code', code: 1 }));
  assert.equal(error.exitCode, 1);
  assert.match(error.hint ?? '', /nvidia-smi/);
});
