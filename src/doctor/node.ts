import { realpathSync } from 'node:fs';
import manifest from '../../package.json' with { type: 'json' };
import { versionOf } from '../launch/version-of.ts';
import { onPath } from '../os/on-path.ts';
import { type Finding, ok, type Subject, warning } from './check.ts';

const OLDEST = Number.parseInt(manifest.engines.node.replace(/\D+/, ''), 10);

/** The Node that runs this, and the first one in PATH, which npx and the scripts of npm take. */
export async function checkNode({ env }: Subject): Promise<readonly Finding[]> {
  const running = process.versions.node;
  const found = [ok(`${running} (${process.execPath})`, { version: running, path: process.execPath })];
  const [first] = onPath('node', env);
  if (first === undefined || realpathSync(first) === realpathSync(process.execPath)) return found;
  const version = await versionOf(first);
  if (version !== undefined && Number.parseInt(version, 10) >= OLDEST) return found;
  const text = `the first node in PATH, ${first}, is ${version === undefined ? 'broken' : `Node ${version}`}: npx and npm's scripts take that one`;
  const hint = `put a Node ${OLDEST} or newer first in PATH, or start with python -m sglang_router, which brings its own`;
  return [...found, warning(text, hint, { path: first, version: version ?? null })];
}
