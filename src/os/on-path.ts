import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The programs of that name in the folders of PATH, in its order. */
export function onPath(program: string, env: NodeJS.ProcessEnv = process.env): readonly string[] {
  const folders = (env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, program)).filter(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
