import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isReady, options, RealKubernetes } from '../helpers/real-kubernetes.ts';

/** The manifest of docs/kubernetes.md does what the document says, with simulated engines for the servers. */

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../docs/kubernetes.md'), 'utf8');
const [, MANIFEST = ''] = /```yaml\n(.*?)```/s.exec(DOCUMENT) ?? [];

let kubernetes: RealKubernetes;
before(async () => {
  if (!options.skip) kubernetes = await RealKubernetes.start();
});
after(async () => {
  if (kubernetes) await kubernetes[Symbol.asyncDispose]();
});

test('its manifest serves a model, and its roles are enough', options, async () => {
  await kubernetes.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'production' } }]);
  // The program of the image in place of the real one, and no waiting for the next look of a probe.
  const text = MANIFEST.replace(/\n *command:.*sglang\.launch_server.*/, '').replaceAll(
    'periodSeconds: 5',
    'periodSeconds: 1',
  );
  assert.notEqual(text, MANIFEST);
  await kubernetes.apply(text);
  for (const name of ['sglang-worker', 'sglang-router']) {
    await kubernetes.kubectl('-n', 'production', 'rollout', 'status', `deployment/${name}`, '--timeout=90s');
  }
  const [router] = (await kubernetes.pods('production', 'app=sglang-router')).filter(isReady);
  const body = JSON.stringify({ text: 'The capital of France is', sampling_params: { max_new_tokens: 8 } });
  const answer = await fetch(`http://${router?.status.podIP}:30000/generate`, { method: 'POST', body });
  assert.equal(answer.status, 200, await answer.text());
});
