import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { OPTIONS } from '../../src/config/options.ts';

/** What docs/deploy has beside Kubernetes, as far as that can be told without a container engine and systemd. */

const ROOT = join(import.meta.dirname, '../..');
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');
const GRACE_SECS = OPTIONS.shutdownGracePeriodMs.default / 1_000;

test('what the Dockerfile copies is what the build reads, and gets past the ignore file', () => {
  const copied = [...read('docs/deploy/Dockerfile').matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, names = '']) =>
    names.split(' '),
  );
  const ignored = read('docs/deploy/Dockerfile.dockerignore').split('\n');
  const letThrough = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  assert.deepEqual([...copied].sort(), letThrough.sort());
  const [, sdist = ''] = /sdist\]\ninclude = \[([^\]]*)\]/.exec(read('pyproject.toml')) ?? [];
  const inSdist = [...sdist.matchAll(/"\/([^"]+)"/g)].map(([, name]) => name);
  assert.deepEqual(copied.filter((name) => name !== 'pyproject.toml').sort(), inSdist.sort());
});

test('whoever stops the router waits for its grace period', () => {
  const unit = read('docs/deploy/sglang-router.service');
  const compose = parse(read('docs/deploy/compose.yaml')) as { services: { sglang: { stop_grace_period: string } } };
  const values = parse(read('docs/deploy/helm/sglang-router/values.yaml')) as { shutdownGracePeriodSeconds: number };
  assert.equal(values.shutdownGracePeriodSeconds, GRACE_SECS);
  const [, stopSecs] = /^TimeoutStopSec=(\d+)$/m.exec(unit) ?? [];
  for (const secs of [Number(stopSecs), Number.parseInt(compose.services.sglang.stop_grace_period, 10)]) {
    assert.ok(secs >= GRACE_SECS + 10, String(secs));
  }
});
