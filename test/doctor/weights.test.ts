import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lookAtModel } from '../../src/doctor/weights.ts';
import { safetensors } from '../helpers/safetensors.ts';

/** A model's folder with these files. */
function model(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'model-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

const WHOLE = { 'config.json': '{}', 'model.safetensors': safetensors(1_000) };
const LFS = 'version https://git-lfs.github.com/spec/v1\noid sha256:1\n';

test('a whole model: how many files and bytes', async () => {
  const { length } = safetensors(1_000);
  assert.deepEqual(await lookAtModel(model(WHOLE)), { weights: 1, bytes: length });
  assert.deepEqual(await lookAtModel(model({ 'a.gguf': 'GGUF' })), { weights: 1, bytes: 4 });
  assert.deepEqual(await lookAtModel(join(model({ 'a.gguf': 'GGUF' }), 'a.gguf')), { weights: 1, bytes: 4 });
  const mistral = { 'params.json': '{}', 'consolidated.safetensors': safetensors(10) };
  assert.deepEqual(await lookAtModel(model(mistral)), { weights: 1, bytes: safetensors(10).length });
});

test('what keeps a server from loading it is told with the file', async () => {
  const index = JSON.stringify({ weight_map: { a: 'model-1.safetensors', b: 'model-2.safetensors' } });
  const huge = Buffer.alloc(16, 0xff);
  const broken: readonly (readonly [files: Record<string, string | Uint8Array>, problem: RegExp])[] = [
    [{ 'model.safetensors': safetensors(1) }, /^config\.json cannot be read: there is no such file or folder$/],
    [{ ...WHOLE, 'config.json': '{' }, /^config\.json is not JSON$/],
    [{ ...WHOLE, 'config.json': LFS }, /^config\.json is not JSON but a pointer of git-lfs: run git lfs pull there$/],
    [{ 'config.json': '{}' }, /^it has no weights/],
    [
      { ...WHOLE, 'model.safetensors': safetensors(1_000).subarray(0, 500) },
      /^model\.safetensors is cut off: 500 bytes of 10\d\d$/,
    ],
    [
      { ...WHOLE, 'model.safetensors': safetensors(1_000).subarray(0, 20) },
      /^model\.safetensors is cut off: 20 bytes of \d+$/,
    ],
    [{ ...WHOLE, 'model.safetensors': LFS }, /^model\.safetensors is a pointer of git-lfs, not the weights/],
    [{ ...WHOLE, 'model.safetensors': 'short' }, /^model\.safetensors is no safetensors file$/],
    [{ ...WHOLE, 'model.safetensors': huge }, /^model\.safetensors is no safetensors file$/],
    [{ 'config.json': '{}', 'pytorch_model.bin': '' }, /^pytorch_model\.bin is empty$/],
    [
      { 'config.json': '{}', 'model.safetensors.index.json': index, 'model-1.safetensors': safetensors(1) },
      /^model-2\.safetensors, which its index names, is not there$/,
    ],
    [{ ...WHOLE, 'model.safetensors.index.json': '{' }, /^model\.safetensors\.index\.json is not JSON$/],
  ];
  for (const [files, problem] of broken) {
    const found = await lookAtModel(model(files));
    assert.match('problem' in found ? found.problem : 'none', problem);
  }
});

test('a link of the cache to a file that is gone', async () => {
  const folder = model(WHOLE);
  rmSync(join(folder, 'model.safetensors'));
  symlinkSync('/no/such/blob', join(folder, 'model.safetensors'));
  assert.deepEqual(await lookAtModel(folder), {
    problem: 'model.safetensors cannot be read: there is no such file or folder',
  });
});

test('files that this user may not read', { skip: process.getuid?.() === 0 && 'root may read all' }, async () => {
  const folder = model(WHOLE);
  chmodSync(join(folder, 'model.safetensors'), 0);
  assert.deepEqual(await lookAtModel(folder), {
    problem: 'model.safetensors cannot be read: this user may not read it',
  });
});
