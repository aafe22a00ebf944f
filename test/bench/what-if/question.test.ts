import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBenchOptions } from '../../../src/bench/options.ts';
import { readQuestion } from '../../../src/bench/what-if/question.ts';
import { ExitError } from '../../../src/errors/errors.ts';

test('workers and policies are lists, in any order, and may be missing', () => {
  assert.deepEqual(readQuestion(['policy=a,b', 'workers=2,4']), { workers: [2, 4], policies: ['a', 'b'] });
  assert.deepEqual(readQuestion([]), { workers: [], policies: [] });
});

test('what is none is told with what was expected', () => {
  for (const word of ['worker=2', 'policy='])
    assert.throws(() => readQuestion([word]), /expected workers=N,… and policy=NAME,…/);
  for (const word of ['workers=0', 'workers=two', 'workers=2000', 'workers=1.5'])
    assert.throws(() => readQuestion([word]), /whole numbers of workers from 1 to 1024/);
});

test('on the command line its words follow the flag', () => {
  const { whatIf, engines } = parseBenchOptions(['--what-if', 'workers=2,4', 'policy=random', '--engines', '3']);
  assert.deepEqual([whatIf, engines], [{ workers: [2, 4], policies: ['random'] }, 3]);
  assert.deepEqual(parseBenchOptions(['--what-if', '--engines', '3']).whatIf, { workers: [], policies: [] });
  const isUsage = (error: unknown) => error instanceof ExitError && error.code === 'usage';
  assert.throws(() => parseBenchOptions(['--what-if', 'speed=2']), isUsage);
  assert.throws(() => parseBenchOptions(['--what-if', '--routers', '2']), isUsage);
  assert.throws(() => parseBenchOptions(['--what-if', '--url', 'http://127.0.0.1:1']), isUsage);
});
