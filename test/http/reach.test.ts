import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { test } from 'node:test';
import { type ContainerSigns, networkUrls, unreachable } from '../../src/http/reach.ts';

const address = (address: string, internal = false) =>
  ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo;
const INTERFACES = {
  lo: [address('127.0.0.1', true), address('::1', true)],
  eth0: [address('10.0.0.5'), address('fd00::2'), address('fe80::1')],
};

test('who listens on every address is told how other machines reach it', () => {
  assert.deepEqual(networkUrls('http://127.0.0.1:30000', '0.0.0.0', INTERFACES), ['http://10.0.0.5:30000']);
  assert.deepEqual(networkUrls('https://127.0.0.1:8443', '::', INTERFACES), [
    'https://10.0.0.5:8443',
    'https://[fd00::2]:8443',
  ]);
  assert.deepEqual(networkUrls('http://10.0.0.5:80', '10.0.0.5', INTERFACES), []);
  assert.deepEqual(networkUrls('http://127.0.0.1:80', '0.0.0.0', { lo: INTERFACES.lo }), []);
});

const bare: ContainerSigns = { env: {}, exists: () => false, cgroup: () => '0::/init.scope' };

test('loopback inside a container is told, whatever shows the container', () => {
  const containers: readonly Partial<ContainerSigns>[] = [
    { exists: (path) => path === '/.dockerenv' },
    { exists: (path) => path === '/run/.containerenv' },
    { env: { KUBERNETES_SERVICE_HOST: '10.96.0.1' } },
    { env: { container: 'podman' } },
    { cgroup: () => '12:memory:/kubepods/burstable/pod1' },
  ];
  for (const shown of containers) {
    for (const host of ['127.0.0.1', 'localhost', '::1']) {
      assert.match(unreachable(host, { ...bare, ...shown }) ?? '', /inside a container .*--host 0\.0\.0\.0/);
    }
    assert.equal(unreachable('0.0.0.0', { ...bare, ...shown }), undefined);
    assert.equal(unreachable('10.0.0.5', { ...bare, ...shown }), undefined);
  }
  assert.equal(unreachable('127.0.0.1', bare), undefined);
});
