import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ExitError } from '../errors/errors.ts';
import { askPython } from './python-facts.ts';

/** The program every server of a launch runs: file and leading arguments, before the server's own. */
export interface Engine {
  readonly kind: 'sglang' | 'sim';
  /** In words, for the plan: which Python, or that it is simulated. */
  readonly label: string;
  readonly file: string;
  readonly leadingArgs: readonly string[];
  readonly trailingArgs: readonly string[];
}

/** Simulated engines: this same program, `sim-engine`; each ends when its stdin, a pipe to us, closes. */
export function simEngine(program: string): Engine {
  return {
    kind: 'sim',
    label: 'simulated engines: no model, no GPU',
    file: process.execPath,
    leadingArgs: [resolve(program), 'sim-engine'],
    trailingArgs: ['--exit-with-parent'],
  };
}

/** Real SGLang in the Python that `env` points to. Throws `sglang_missing` where it is not installed. */
export async function sglangEngine(env: NodeJS.ProcessEnv): Promise<Engine> {
  const engine = uncheckedSglang(env);
  await checkSglang(engine.file);
  return engine;
}

/** The same, whether it is installed there or not. */
export function uncheckedSglang(env: NodeJS.ProcessEnv): Engine {
  const python = pythonFor(env);
  return {
    kind: 'sglang',
    label: `sglang of ${python}`,
    file: python,
    leadingArgs: [serverProcessPath()],
    trailingArgs: [],
  };
}

/** SGLANG_ROUTER_PYTHON (set by the Python package), else the active virtual environment's, else python3. */
export function pythonFor(env: NodeJS.ProcessEnv): string {
  if (env.SGLANG_ROUTER_PYTHON) return env.SGLANG_ROUTER_PYTHON;
  const environment = env.VIRTUAL_ENV || env.CONDA_PREFIX;
  return environment ? join(environment, 'bin', 'python') : 'python3';
}

/** Throws `sglang_missing` unless that Python would find sglang. */
export async function checkSglang(python: string): Promise<void> {
  const answer = await askPython(python);
  if (answer.facts?.sglang) return;
  const choose = 'choose another Python with SGLANG_ROUTER_PYTHON, or try --sim (simulated engines, no GPU)';
  if (answer.facts) {
    throw new ExitError('sglang_missing', `sglang is not installed for ${python}, which is to run the servers`, {
      hint: `install it there (${python} -m pip install sglang), ${choose}`,
    });
  }
  throw new ExitError('sglang_missing', `${python}, which is to run the servers, does not run: ${answer.problem}`, {
    hint: choose,
  });
}

/** server_process.py: beside the bundle's folder when installed, under python/ in a checkout. */
export function serverProcessPath(from: string = import.meta.url): string {
  const places = ['../server_process.py', '../../python/sglang_router/server_process.py'].map((place) =>
    fileURLToPath(new URL(place, from)),
  );
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new ExitError('sglang_missing', `server_process.py is missing; looked at ${places.join(' and ')}`, {
    hint: 'this installation is broken: install sglang-router again',
  });
}
