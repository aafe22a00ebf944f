import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { resolveServer } from '../../src/config/launch.ts';
import { checkGpus, countableGpus, fillGpus, visibleGpus } from '../../src/launch/gpus.ts';

/** A folder with programs that print what the tools of those names print. */
function tools(outputs: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'gpus-'));
  for (const [name, output] of Object.entries(outputs)) {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\ncat <<'END'\n${output}\nEND\n`);
    chmodSync(path, 0o755);
  }
  return `${folder}:/bin:/usr/bin`;
}

const nvidia = (count: number) =>
  Array.from({ length: count }, (_, index) => `GPU ${index}: NVIDIA H200 (UUID: GPU-0000-${index})`).join('\n');
const AMD = ['GPU[0]\t\t: Device Name: \t\tMI300X', 'GPU[0]\t\t: Device ID: 0x74a1', 'GPU[1]\t\t: Device ID: 0x74a1'];

test('GPUs are those that nvidia-smi lists, less those that CUDA_VISIBLE_DEVICES hides', async () => {
  const PATH = tools({ 'nvidia-smi': nvidia(8) });
  assert.deepEqual(await visibleGpus({ PATH }), { count: 8, source: 'nvidia-smi' });
  for (const [value, count] of [
    ['0,1,2', 3],
    ['3', 1],
    ['', 0],
    ['-1', 0],
    ['0,1,-1,2', 2],
    ['0,8,1', 1],
    ['GPU-0000-1, GPU-0000-2', 2],
  ] as const) {
    const gpus = await visibleGpus({ PATH, CUDA_VISIBLE_DEVICES: value });
    assert.deepEqual(gpus, { count, source: `CUDA_VISIBLE_DEVICES=${value} of the 8 of nvidia-smi` });
  }
});

test('those of AMD: each counts once, and the first variable that is set decides', async () => {
  const PATH = tools({ 'rocm-smi': ['===== ID =====', ...AMD].join('\n') });
  assert.equal((await visibleGpus({ PATH }))?.count, 2);
  assert.equal((await visibleGpus({ PATH, HIP_VISIBLE_DEVICES: '1', CUDA_VISIBLE_DEVICES: '0,1' }))?.count, 1);
  assert.equal((await visibleGpus({ PATH, HIP_VISIBLE_DEVICES: '', CUDA_VISIBLE_DEVICES: '0' }))?.count, 1);
  assert.equal((await visibleGpus({ PATH, ROCR_VISIBLE_DEVICES: '1', HIP_VISIBLE_DEVICES: '0,1' }))?.count, 1);
});

test('nothing tells of GPUs without the tools, where they fail or list none, and where a GPU is cut into parts', async () => {
  assert.equal(await visibleGpus({ PATH: '/nowhere' }), undefined);
  assert.equal(await visibleGpus({ PATH: tools({ 'nvidia-smi': 'No devices were found' }) }), undefined);
  const mig = `${nvidia(1)}\n  MIG 1g.10gb Device 0: (UUID: MIG-1)`;
  assert.equal(await visibleGpus({ PATH: tools({ 'nvidia-smi': mig }) }), undefined);
});

const one = { regular: 1, prefill: 0, decode: 0 };
const there = { count: 8, source: 'nvidia-smi' };

test('servers that fit are no error, also to the last GPU', () => {
  checkGpus({ servers: { ...one, regular: 8 }, gpu: { base: 0, step: 1, perServer: 1 } }, there);
  checkGpus({ servers: { ...one, regular: 2 }, gpu: { base: 0, step: 1, perServer: 4 } }, there);
  checkGpus({ servers: { regular: 0, prefill: 1, decode: 1 }, gpu: { base: 4, step: 1, perServer: 2 } }, there);
  checkGpus({ servers: { ...one, regular: 4 }, gpu: { base: 1, step: 2, perServer: 1 } }, there);
});

test('servers beyond the GPUs: both numbers, and what to change', () => {
  const refused = (servers: typeof one, gpu: { base: number; step: number; perServer: number }) => {
    let error: unknown;
    try {
      checkGpus({ servers, gpu }, there);
    } catch (thrown) {
      error = thrown;
    }
    const { exitCode, message, hint } = error as { exitCode: number; message: string; hint: string };
    assert.equal(exitCode, 2);
    return [message, hint.split(';')[0]];
  };
  assert.deepEqual(refused({ ...one, regular: 9 }, { base: 0, step: 1, perServer: 1 }), [
    '9 servers need 9 GPUs, and there are 8 (nvidia-smi)',
    'at most 8 fit: lower --dp-size or --tp-size',
  ]);
  assert.deepEqual(refused({ ...one, regular: 4 }, { base: 2, step: 1, perServer: 2 }), [
    '4 servers of 2 GPUs (tp × pp) from GPU 2 on (--base-gpu-id) need 10 GPUs, and there are 8 (nvidia-smi)',
    'at most 3 fit: lower --dp-size or --tp-size',
  ]);
  assert.deepEqual(refused({ regular: 0, prefill: 1, decode: 1 }, { base: 0, step: 2, perServer: 4 }), [
    '2 servers of 4 GPUs (tp × pp), 2 apart (--gpu-id-step) need 15 GPUs, and there are 8 (nvidia-smi)',
    'at most 1 fit: lower --router-prefill-size, --router-decode-size or --tp-size',
  ]);
  assert.match(refused(one, { base: 8, step: 1, perServer: 1 })[1] ?? '', /^not one server fits/);
});

const launchOf = async (...words: string[]) =>
  (await resolveServer(['--model-path', 'm', '--dp-size', 'auto', ...words], {})).launch;

test('--dp-size auto: all GPUs by tp × pp, from the base on; a number stays', async () => {
  const serversOf = async (...words: string[]) => fillGpus(await launchOf(...words), there).servers.regular;
  assert.equal(await serversOf(), 8);
  assert.equal(await serversOf('--tp-size', '2'), 4);
  assert.equal(await serversOf('--tp', '3'), 2);
  assert.equal(await serversOf('--tp', '2', '--pp-size', '2'), 2);
  assert.equal(await serversOf('--base-gpu-id', '3', '--tp', '2'), 2);
  assert.equal(await serversOf('--gpu-id-step', '2'), 4);
  assert.equal(await serversOf('--dp-size', '5'), 5);
});

test('--dp-size auto where not one server fits is refused with the numbers', async () => {
  const launch = fillGpus(await launchOf('--tp', '16'), there);
  assert.throws(() => checkGpus(launch, there), {
    message: /^1 server of 16 GPUs \(tp × pp\) needs 16 GPUs, and there are 8/,
  });
});

test('--dp-size auto where the GPUs cannot be counted says why', async () => {
  const refused = async (words: readonly string[], why: RegExp) => {
    const launch = await launchOf(...words);
    const gpus = await countableGpus(launch, { PATH: '/nowhere' });
    assert.throws(() => fillGpus(launch, gpus), { code: 'usage', message: why, hint: /--dp-size N/ });
  };
  await refused([], /^--dp-size auto: the GPUs cannot be counted: neither nvidia-smi nor rocm-smi tells/);
  await refused(['--sim'], /simulated engines \(--sim\) use none$/);
  await refused(['--device', 'cpu'], /another device \(--device cpu\)$/);
  await refused(['--nnodes', '2'], /2 machines \(--nnodes\)$/);
});
