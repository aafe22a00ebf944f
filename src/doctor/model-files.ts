import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where a model's files are, as far as its name tells. */
type ModelPlace =
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
  const cached = join(hubFolder(env), `models--${modelPath.replaceAll('/', '--')}`);
  const path = join(cached, 'snapshots', revisionIn(cached));
  return existsSync(path) ? { kind: 'cached', path } : { kind: 'hub' };
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

/** The one that `main` was when it was last asked for. A name that no snapshot has where there is none. */
function revisionIn(cached: string): string {
  try {
    return readFileSync(join(cached, 'refs', 'main'), 'utf8').trim() || 'none';
  } catch {
    return 'none';
  }
}
