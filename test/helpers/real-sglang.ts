import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

export const { REAL_SGLANG_PYTHON: python } = process.env;
export const { REAL_SGLANG_MODEL: model } = process.env;
/** Tests on real SGLang servers run where REAL_SGLANG_PYTHON and REAL_SGLANG_MODEL name them. */
export const options =
  python && model ? {} : { skip: 'REAL_SGLANG_PYTHON and REAL_SGLANG_MODEL name no SGLang; see scripts/test' };

const PROGRAM = join(import.meta.dirname, '../../src/main.ts');
/** Environment of servers without a GPU. */
export const CPU = {
  SGLANG_USE_CPU_ENGINE: '1',
  // One core for each server: without it the second one finds none.
  SGLANG_CPU_OMP_THREADS_BIND: '0|1',
  HF_HUB_OFFLINE: '1',
  TRANSFORMERS_OFFLINE: '1',
  CUDA_VISIBLE_DEVICES: '',
  TOKENIZERS_PARALLELISM: 'false',
};
/** Flags of a small server. */
export const FLAGS = [
  '--served-model-name',
  'tiny',
  '--device',
  'cpu',
  '--mem-fraction-static',
  '0.1',
  '--max-total-tokens',
  '20000',
];
/** A launcher at work, and what it has printed. */
export interface Launch {
  readonly process: ChildProcess;
  output: string;
}

/** Starts `server` with these flags. */
export function launch(env: Record<string, string | undefined>, flags: readonly string[]): Launch {
  const child = spawn(process.execPath, [PROGRAM, 'server', ...flags], {
    env: { ...process.env, SGLANG_ROUTER_PYTHON: python, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const launched: Launch = { process: child, output: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      launched.output += text;
    });
  }
  return launched;
}

/** Resolves with the match once the output has it; rejects with the output when the program ends first. */
export function says(launched: Launch, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const match = pattern.exec(launched.output);
      if (match) resolve(match);
    };
    launched.process.stdout?.on('data', look);
    launched.process.stderr?.on('data', look);
    launched.process.once('exit', () => reject(new Error(`ended early:\n${launched.output.slice(-3_000)}`)));
    look();
  });
}
