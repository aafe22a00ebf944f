import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder with programs of these names, each a shell script. */
export function fakeTools(scripts: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'bin-'));
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return folder;
}

/** One with an nvidia-smi that lists so many GPUs. */
export function fakeGpus(count: number): string {
  const lines = Array.from({ length: count }, (_, index) => `GPU ${index}: NVIDIA H200 (UUID: GPU-${index})`);
  return fakeTools({ 'nvidia-smi': `cat <<END\n${lines.join('\n')}\nEND` });
}

/** PATH with the folder first. */
export function pathWith(folder: string): string {
  return `${folder}:${process.env.PATH}`;
}
