import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from '../../src/bench/run.ts';
import { CACHE, ROOT } from './programs.ts';

/** 1,024 connections and requests at once on a router that was just started. */
export interface Burst {
  readonly name: string;
  readonly ttftP90Ms: number;
  readonly makespanSecs: number;
  readonly errors: number;
}

/** The same workload for this checkout, under its default number of threads, and for smg, on simulated engines. */
export function burst(): readonly Burst[] {
  const out = mkdtempSync(join(tmpdir(), 'sglang-burst-'));
  const args = ['bench', '--workload', 'gsp', '--policy', 'cache_aware', '--peers', 'smg', '--out', out];
  try {
    execFileSync(process.execPath, [join(ROOT, 'src/main.ts'), ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, BENCH_PEERS_DIR: CACHE },
    });
    const { runs } = JSON.parse(readFileSync(join(out, 'bench.json'), 'utf8')) as Report;
    return runs.map(({ contender, summary }) => ({
      name: contender,
      ttftP90Ms: summary.ttftMs.p90,
      makespanSecs: summary.makespanSecs,
      errors: summary.errors,
    }));
  } finally {
    rmSync(out, { recursive: true });
  }
}
