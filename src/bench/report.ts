import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineProfile } from '../sim/profile.ts';
import { renderHtml } from './html.ts';
import type { Report } from './run.ts';

/** Writes `bench.json` and `bench.html` into a folder that is there; resolves with their paths. */
export async function writeReport(folder: string, report: Report): Promise<readonly string[]> {
  const json = join(folder, 'bench.json');
  const html = join(folder, 'bench.html');
  await writeFile(json, `${JSON.stringify(report, undefined, 1)}\n`);
  await writeFile(html, renderHtml(report));
  return [json, html];
}

/** Writes what was measured of an engine into a folder that is there; resolves with its path. */
export async function writeProfile(folder: string, profile: EngineProfile): Promise<string> {
  const path = join(folder, 'engine.json');
  await writeFile(path, `${JSON.stringify(profile, undefined, 1)}\n`);
  return path;
}
