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

/** A process as nvidia-smi lists it. */
export interface FakeHolder {
  readonly gpu: number;
  readonly pid: number;
  readonly memoryMiB: number;
  readonly name: string;
}

export interface FakeNvidia {
  readonly driver?: string;
  readonly cuda?: string;
  readonly usedMiB?: number;
  readonly holders?: readonly FakeHolder[];
}

/** The script of an nvidia-smi with so many GPUs; it answers what the launcher asks. */
export function nvidiaSmi(count: number, fake: FakeNvidia = {}): string {
  const { driver = '570.86.15', cuda = '12.8', usedMiB = 4, holders = [] } = fake;
  const gpus = Array.from({ length: count }, (_, index) => index);
  const uuid = (index: number) => `GPU-${index}${index}-aa`;
  const list = gpus.map((index) => `GPU ${index}: NVIDIA H200 (UUID: ${uuid(index)})`);
  const rows = gpus.map((index) => `${index}, ${uuid(index)}, ${driver}, 143771, ${usedMiB}, NVIDIA H200`);
  const processes = holders.map(({ gpu, pid, memoryMiB, name }) => `${uuid(gpu)}, ${pid}, ${memoryMiB}, ${name}`);
  const print = (lines: readonly string[]) => `cat <<'END'\n${lines.join('\n')}\nEND`;
  return `case "$1" in
-L)
${print(list)}
;;
--query-gpu=*)
${print(rows)}
;;
--query-compute-apps=*)
${print(processes)}
;;
*)
${print([`| NVIDIA-SMI ${driver}    Driver Version: ${driver}    CUDA Version: ${cuda}  |`])}
;;
esac`;
}

/** A folder with an nvidia-smi that has so many GPUs. */
export function fakeGpus(count: number, fake: FakeNvidia = {}): string {
  return fakeTools({ 'nvidia-smi': nvidiaSmi(count, fake) });
}

/** PATH with the folder first. */
export function pathWith(folder: string): string {
  return `${folder}:${process.env.PATH}`;
}
