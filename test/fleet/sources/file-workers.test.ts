import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { answering, fakeWorker } from '../../helpers/fake-worker.ts';
import { type TestRouter, testRouter, until } from '../../helpers/test-router.ts';

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'workers-file-'));
  return { path, file: join(path, 'workers.txt'), [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

const urlsOf = ({ router }: TestRouter) => router.registry.workers.map(({ url }) => url);
const has = (router: TestRouter, ...urls: string[]) => until(() => String(urlsOf(router)) === String(urls));
const said = (router: TestRouter, pattern: RegExp) => until(() => router.lines.some((line) => pattern.test(line)));

test('workers of the file serve from the start, beside those of the command line', async () => {
  await using one = await fakeWorker(answering('one'));
  await using two = await fakeWorker(answering('two'));
  await using place = await folder();
  await writeFile(place.file, `# fleet\n${two.url}\n`);
  await using router = await testRouter([one.url], ['--workers-file', place.file]);
  await until(() => router.router.registry.available().length === 2);
  assert.deepEqual(urlsOf(router), [one.url, two.url]);
  assert.equal(router.router.registry.get(two.url)?.spec.source, 'file');
});

test('each change is applied as a difference: what stays is not touched, what goes drains', async () => {
  let finish = () => {};
  await using leaving = await fakeWorker((_, response) => {
    response.write('first ');
    finish = () => response.end('last');
  });
  await using place = await folder();
  await writeFile(place.file, `${leaving.url}\nhttp://127.0.0.1:1\n`);
  await using router = await testRouter([], ['--workers-file', place.file, '--api-key', 'ours']);
  const { registry } = router.router;
  await until(() => registry.available().length === 1);
  const stays = registry.get('http://127.0.0.1:1');
  const init = { method: 'POST', body: '{}', headers: { authorization: 'Bearer ours' } };
  const streaming = await fetch(`${router.url}/generate`, init);

  await writeFile(place.file, 'http://127.0.0.1:1\nhttp://127.0.0.1:2 role=regular\n');
  await has(router, 'http://127.0.0.1:1', 'http://127.0.0.1:2');
  assert.equal(registry.get('http://127.0.0.1:1'), stays);
  assert.deepEqual([registry.workers[1]?.role, registry.workers[1]?.spec.apiKey], ['regular', 'ours']);
  finish();
  assert.equal(await streaming.text(), 'first last');
});

test('another role is another worker, another key is not', async () => {
  await using place = await folder();
  process.env.FILE_WORKERS_TEST_KEY = 'theirs';
  await writeFile(place.file, 'http://127.0.0.1:1 role=decode\nhttp://127.0.0.1:2 role=decode\n');
  await using router = await testRouter([], ['--pd-disaggregation', '--workers-file', place.file]);
  const { registry } = router.router;
  const [first, second] = registry.workers;
  const text =
    'http://127.0.0.1:1 role=prefill bootstrap_port=9000\nhttp://127.0.0.1:2 role=decode api_key_env=FILE_WORKERS_TEST_KEY';
  await writeFile(place.file, text);
  await until(() => registry.get('http://127.0.0.1:2')?.spec.apiKey === 'theirs');
  assert.equal(registry.get('http://127.0.0.1:2'), second);
  const prefill = registry.get('http://127.0.0.1:1');
  assert.notEqual(prefill, first);
  assert.deepEqual([prefill?.role, prefill?.spec.bootstrapPort], ['prefill', 9000]);
});

test('workers of another source are left alone, in the file or not', async () => {
  await using worker = await fakeWorker(answering(''));
  await using place = await folder();
  await writeFile(place.file, `${worker.url}\nhttp://127.0.0.1:1\n`);
  await using router = await testRouter([worker.url], ['--workers-file', place.file]);
  assert.equal(router.router.registry.get(worker.url)?.spec.source, 'static');
  await writeFile(place.file, '');
  await has(router, worker.url);
});

test('a file with mistakes, and one that is gone, leave the workers as they are; the log has the line', async () => {
  await using place = await folder();
  await writeFile(place.file, 'http://127.0.0.1:1\n');
  await using router = await testRouter([], ['--workers-file', place.file]);
  await writeFile(place.file, 'http://127.0.0.1:2\n127.0.0.1:3\n');
  await said(router, /ERROR .*workers stay as they are.* problem="line 2: expected a URL/);
  assert.deepEqual(urlsOf(router), ['http://127.0.0.1:1']);
  await unlink(place.file);
  await said(router, /ERROR .*workers stay as they are.*there is no such file/);
  assert.deepEqual(urlsOf(router), ['http://127.0.0.1:1']);
  await writeFile(place.file, 'http://127.0.0.1:2\n');
  await has(router, 'http://127.0.0.1:2');
});

test('a file with more workers than there may be is refused as a whole, with the number; beside 1 worker of another source too', async () => {
  await using place = await folder();
  const lines = (count: number) => Array.from({ length: count }, (_, i) => `http://127.0.0.1:${i + 1}\n`).join('');
  await writeFile(place.file, lines(2));
  await using router = await testRouter([], ['--workers-file', place.file, '--disable-health-check']);
  const { registry } = router.router;
  registry.add({ url: 'http://127.0.0.9:1', source: 'api' });
  await writeFile(place.file, lines(1_024));
  await said(router, /ERROR .*workers stay as they are.*expected at most 1024 workers, got 1025; nothing is added/);
  assert.equal(registry.workers.length, 3);
  await writeFile(place.file, lines(1_023));
  await said(router, /INFO .*workers changed .*added=1021/);
  assert.equal(registry.workers.length, 1_024);
  const others = Array.from({ length: 1_023 }, (_, i) => `http://127.0.0.2:${i + 1}\n`).join('');
  await writeFile(place.file, others);
  await said(router, /INFO .*workers changed .*added=1023 removed=1023/);
});

test('a file that is replaced, and a link that changes as Kubernetes does it, are noticed', async () => {
  await using place = await folder();
  const at = (name: string) => join(place.path, name);
  await mkdir(at('v1'));
  await mkdir(at('v2'));
  await writeFile(at('v1/workers.txt'), 'http://127.0.0.1:1\n');
  await writeFile(at('v2/workers.txt'), 'http://127.0.0.1:2\n');
  await symlink('v1', at('..data'));
  await symlink('..data/workers.txt', place.file);
  await using router = await testRouter([], ['--workers-file', place.file]);
  await has(router, 'http://127.0.0.1:1');
  await symlink('v2', at('..data_tmp'));
  await rename(at('..data_tmp'), at('..data'));
  await has(router, 'http://127.0.0.1:2');
  await writeFile(at('new'), 'http://127.0.0.1:3\n');
  await rename(at('new'), place.file);
  await has(router, 'http://127.0.0.1:3');
});

test('a change that no event tells of is noticed too', async () => {
  await using place = await folder();
  const target = join(place.path, 'elsewhere');
  await mkdir(target);
  await writeFile(join(target, 'fleet'), 'http://127.0.0.1:1\n');
  await symlink(join(target, 'fleet'), place.file);
  await using router = await testRouter([], ['--workers-file', place.file]);
  await writeFile(join(target, 'fleet'), 'http://127.0.0.1:22\n');
  await has(router, 'http://127.0.0.1:22');
  await writeFile(join(target, 'fleet'), 'http://127.0.0.1:333\n');
  await has(router, 'http://127.0.0.1:333');
});

test('at start a file that is missing or has mistakes is a usage error', async () => {
  await using place = await folder();
  const start = () => testRouter([], ['--workers-file', place.file]);
  await assert.rejects(start, { code: 'usage', message: /^--workers-file .*workers\.txt: there is no such file/ });
  await writeFile(place.file, 'http://a:1\nb');
  await assert.rejects(start, { code: 'usage', message: /^--workers-file .*workers\.txt: line 2: expected a URL/ });
});
