import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveServer } from '../../src/config/launch.ts';
import { Machine } from '../../src/doctor/machine.ts';
import { checkProxies } from '../../src/doctor/proxies.ts';

async function findings(env: NodeJS.ProcessEnv) {
  const { config, launch } = await resolveServer(['--sim'], {});
  const [finding] = await checkProxies({ config, launch, env, machine: new Machine(env) });
  return finding!;
}

test('a proxy takes what no_proxy leaves it: names, networks and * are exceptions', async () => {
  const caught = async (no_proxy: string, http_proxy = 'http://proxy') => {
    const { facts } = await findings({ http_proxy, no_proxy });
    return facts?.caught;
  };
  assert.deepEqual(await caught(''), ['127.0.0.1', 'localhost']);
  assert.deepEqual(await caught('example.org, .internal'), ['127.0.0.1', 'localhost']);
  assert.deepEqual(await caught('localhost'), ['127.0.0.1']);
  assert.deepEqual(await caught('127.0.0.0/8'), ['localhost']);
  assert.deepEqual(await caught('10.0.0.0/8,127.0.0.1/99,999.0.0.1/8'), ['127.0.0.1', 'localhost']);
  for (const all of ['*', '127.0.0.1,localhost', '127.0.0.0/8, localhost', 'localhost:30000,127.0.0.1:30000']) {
    assert.deepEqual(await caught(all), [], all);
  }
});

test('upper case and all_proxy count, a proxy for HTTPS alone does not; no password is shown', async () => {
  for (const name of ['HTTP_PROXY', 'all_proxy', 'ALL_PROXY']) {
    const { verdict, text } = await findings({ [name]: 'http://me:password@proxy:1' });
    assert.equal(verdict, 'problem');
    assert.ok(text.startsWith(`${name}=http://***@proxy:1 takes`), text);
  }
  assert.equal((await findings({ https_proxy: 'http://proxy' })).verdict, 'ok');
  assert.equal((await findings({ HTTP_PROXY: 'http://proxy', NO_PROXY: 'localhost,127.0.0.1' })).verdict, 'ok');
});
