import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileProblem } from '../errors/errors.ts';

const WEIGHTS = /\.(?:safetensors|bin|pt|pth|gguf)$/;
const LFS = 'version https://git-lfs';
/** As safetensors itself. */
const LONGEST_HEADER = 100_000_000;

/** What a model's folder holds, or the first thing that keeps a server from loading it. */
type ModelFiles = { readonly weights: number; readonly bytes: number } | { readonly problem: string };

/** Looks at a model's files as a server will: are they there, readable, and whole. */
export async function lookAtModel(path: string): Promise<ModelFiles> {
  try {
    if ((await stat(path)).isFile()) return await lookAtWeights(path, ['']);
    const names = await readdir(path);
    const problem = await problemOfConfig(path, names);
    if (problem !== undefined) return { problem };
    const missing = await problemOfIndex(path, names);
    if (missing !== undefined) return { problem: missing };
    const weights = names.filter((name) => WEIGHTS.test(name));
    if (weights.length === 0) return { problem: 'it has no weights (*.safetensors, *.bin, *.gguf)' };
    return await lookAtWeights(path, weights);
  } catch (error) {
    return { problem: fileProblem(error) };
  }
}

/** Mistral's own format has params.json, and a gguf file brings what it needs. */
async function problemOfConfig(path: string, names: readonly string[]): Promise<string | undefined> {
  if (names.some((name) => name.endsWith('.gguf') || name === 'params.json')) return undefined;
  const text = await readFile(join(path, 'config.json'), 'utf8').catch(
    (error: unknown) => new Error(fileProblem(error)),
  );
  if (text instanceof Error) return `config.json cannot be read: ${text.message}`;
  if (isJson(text)) return undefined;
  return `config.json is not JSON${text.startsWith(LFS) ? ' but a pointer of git-lfs: run git lfs pull there' : ''}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A file that the index names may not be there: its download was broken off. */
async function problemOfIndex(path: string, names: readonly string[]): Promise<string | undefined> {
  const index = names.find((name) => name.endsWith('.safetensors.index.json'));
  if (index === undefined) return undefined;
  const text = await readFile(join(path, index), 'utf8');
  if (!isJson(text)) return `${index} is not JSON`;
  const { weight_map: map } = JSON.parse(text) as { readonly weight_map?: Readonly<Record<string, string>> };
  const missing = Object.values(map ?? {}).find((file) => !names.includes(file));
  return missing === undefined ? undefined : `${missing}, which its index names, is not there`;
}

async function lookAtWeights(path: string, names: readonly string[]): Promise<ModelFiles> {
  let bytes = 0;
  for (const name of names) {
    const file = name === '' ? path : join(path, name);
    try {
      await using handle = await open(file);
      const { size } = await handle.stat();
      const problem = await problemOfWeights(handle, file, size);
      if (problem !== undefined) return { problem: `${name || 'it'} ${problem}` };
      bytes += size;
    } catch (error) {
      return { problem: `${name || 'it'} cannot be read: ${fileProblem(error)}` };
    }
  }
  return { weights: names.length, bytes };
}

async function problemOfWeights(handle: FileHandle, path: string, size: number): Promise<string | undefined> {
  const start = Buffer.alloc(LFS.length);
  await handle.read(start, 0, start.length, 0);
  if (start.toString() === LFS) return 'is a pointer of git-lfs, not the weights: run git lfs pull there';
  if (!path.endsWith('.safetensors')) return size === 0 ? 'is empty' : undefined;
  const whole = await sizeInHeader(handle, size);
  if (whole === undefined) return 'is no safetensors file';
  return size < whole ? `is cut off: ${size} bytes of ${whole}` : undefined;
}

/** The header is JSON after its own length, and says where each tensor ends. */
async function sizeInHeader(handle: FileHandle, size: number): Promise<number | undefined> {
  const length = Buffer.alloc(8);
  await handle.read(length, 0, 8, 0);
  const headerBytes = Number(length.readBigUInt64LE());
  if (size < 8 || headerBytes > LONGEST_HEADER) return undefined;
  if (size < 8 + headerBytes) return 8 + headerBytes;
  const header = Buffer.alloc(headerBytes);
  await handle.read(header, 0, headerBytes, 8);
  try {
    const tensors = JSON.parse(header.toString()) as Record<string, { readonly data_offsets?: readonly number[] }>;
    const ends = Object.values(tensors).map(({ data_offsets: offsets }) => offsets?.[1] ?? 0);
    return 8 + headerBytes + ends.reduce((most, end) => Math.max(most, end), 0);
  } catch {
    return undefined;
  }
}
