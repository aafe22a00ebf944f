import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Exit } from '../../src/launch/child.ts';
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
  assert.equal(
    failure.text,
    'w0 (127.0.0.1:31000) died: it was killed, often by the kernel for want of memory (killed by SIGKILL, after 12.3 s)',
  );
  assert.match(failure.hint ?? '', /dmesg/);
});

test('each way to end without a word in the log has words of its own', () => {
  const cases: readonly (readonly [Exit, RegExp, RegExp | undefined])[] = [
    [{ kind: 'signal', signal: 'SIGSEGV' }, /crashed in native code.*\(killed by SIGSEGV, /, /PYTHONFAULTHANDLER/],
    [{ kind: 'signal', signal: 'SIGABRT' }, /gave up in native code.*\(killed by SIGABRT, /, /NCCL_DEBUG/],
    [{ kind: 'signal', signal: 'SIGBUS' }, /shared memory.*\(killed by SIGBUS, /, /--shm-size/],
    [{ kind: 'signal', signal: 'SIGTERM' }, /told to end.*\(killed by SIGTERM, /, /service manager/],
    [{ kind: 'signal', signal: 'SIGXCPU' }, /no known cause.*\(killed by SIGXCPU, /, undefined],
    [{ kind: 'code', code: 137 }, /killed, often by the kernel.*\(exit code 137, /, /dmesg/],
    [{ kind: 'code', code: 0 }, /ended by itself.*\(exit code 0, /, undefined],
    [{ kind: 'not started', problem: 'spawn node EMFILE' }, /no more files.*spawn node EMFILE, /, /ulimit -n/],
    [{ kind: 'not started', problem: 'spawn node EAGAIN' }, /no more processes/, /--pids-limit/],
    [{ kind: 'not started', problem: 'spawn node ENOENT' }, /its program cannot be run \(/, undefined],
    [{ kind: 'code', code: 7 }, /no known cause.*\(exit code 7, /, undefined],
  ];
  for (const [exit, text, hint] of cases) {
    const failure = endedFailure({ ...FAILING, stage: 'running' }, exit);
    assert.match(failure.text, text);
    if (hint) assert.match(failure.hint ?? '', hint);
    else assert.equal(failure.hint, undefined);
  }
});

test('an exception that the server survived long ago is not why it was killed', () => {
  const long = ['ValueError: bad prompt', ...Array.from({ length: 300 }, () => 'INFO: "POST /generate" 200 OK')];
  const exit = { kind: 'signal', signal: 'SIGKILL' } as const;
  const { text } = endedFailure({ ...FAILING, stage: 'running', lines: long }, exit);
  assert.match(text, /died: it was killed/);
});

test('a line of a whole screen is cut where it is shown', () => {
  const { context = '' } = toExitError(
    endedFailure({ ...FAILING, lines: ['x'.repeat(4_000)] }, { kind: 'code', code: 7 }),
  );
  assert.ok(context.length < 500);
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
  assert.match(error.message, /^w0 \(127\.0\.0\.1:31000\) did not start: no usable GPU: [^\n]*$/);
  assert.equal(error.context, `  last lines of the log of w0:\n  | ${lines[0]}\n  whole log: /logs/w0.log`);
  assert.match(error.hint ?? '', /nvidia-smi/);
});
