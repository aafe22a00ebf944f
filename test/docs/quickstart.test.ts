import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { coLauncher, READY, SIMULATED, sim } from '../helpers/co-launch.ts';
import { ROOT } from '../helpers/documents.ts';

const REQUESTS = join(ROOT, 'scripts/quickstart_requests.py');
const launch = coLauncher(24_500, ['--dp-size', '4']);
const missing = spawnSync('python3', ['--version']).error && 'python3 is not installed';

test('the requests of scripts/quickstart reach every engine, and its banner has a request to paste', {
  skip: missing || false,
}, async (t) => {
  const { program, url } = await launch(t, sim(), SIMULATED);
  await program.says(READY);
  const run = promisify(execFile);
  const { stdout: requests } = await run('python3', [REQUESTS, url]);
  const served = [...requests.matchAll(/^ {2}http:\S+ {2}#+ (\d+)$/gm)].map(([, count]) => Number(count));
  assert.deepEqual(served, [2, 2, 2, 2], requests);
  assert.match(requests, /^chat, streamed {3}'.+'$/m);
  assert.match(requests, /they make up their text\.$/m);
  const { stdout: banner } = await run('python3', [REQUESTS, '--banner', url]);
  const { stdout: answer } = await run('bash', ['-c', banner.slice(banner.indexOf('curl '))]);
  assert.equal(typeof JSON.parse(answer).text, 'string');
});
