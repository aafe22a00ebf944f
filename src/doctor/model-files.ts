import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where a model's files are, as far as its name tells. */
export type ModelPlace =
  | { readonly kind: 'local'; readonly path: string }
  /** In the cache of Hugging Face. */
  | { readonly kind: 'cached'; readonly path: string }
  /** To be downloaded. */
  | { readonly kind: 'hub' }
  /** It looks like a path, and nothing is there. */
  | { readonly kind: 'missing' };

/** Finds what `--model-path` names: a folder or file, else a name of the hub. */
export function placeOfModel(modelPath: string, env: NodeJS.ProcessEnv): ModelPlace {
  if (existsSync(modelPath)) return { kind: 'local', path: modelPath };
  if (!isHubName(modelPath)) return { kind: 'missing' };
  const snapshots = join(hubFolder(env), `models--${modelPath.replaceAll('/', '--')}`, 'snapshots');
  const [revision] = namesIn(snapshots);
  return revision === undefined ? { kind: 'hub' } : { kind: 'cached', path: join(snapshots, revision) };
}

/** `org/name` or `name`, and nothing of that name here. */
export function isHubName(modelPath: string): boolean {
  return /^\w[\w.-]*(?:\/\w[\w.-]*)?$/.test(modelPath) && !existsSync(modelPath);
}

/** Where Hugging Face keeps what it downloads. */
export function hubFolder(env: NodeJS.ProcessEnv): string {
  const home = env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface');
  return env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, 'hub');
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
