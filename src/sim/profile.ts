import { readFileSync } from 'node:fs';
import { ExitError, fileProblem } from '../errors/errors.ts';

/** What was measured of a real engine, as flags of a simulated one. */
export interface EngineProfile {
  /** Where, when and of what it was measured; for whoever reads the file. */
  readonly measured: Readonly<Record<string, unknown>>;
  readonly flags: Readonly<Record<ProfileFlag, number>>;
}

/** The flags that a profile has. */
const PROFILE_FLAGS = [
  '--sim-prefill-tokens-per-sec',
  '--sim-prefill-base-ms',
  '--sim-prefill-cached-ms',
  '--sim-decode-base-ms',
  '--sim-decode-per-running-ms',
  '--max-total-tokens',
  '--page-size',
  '--max-running-requests',
  '--chunked-prefill-size',
  '--context-length',
] as const;
type ProfileFlag = (typeof PROFILE_FLAGS)[number];

/** The words of a command line that say the same. */
export function wordsOf({ flags }: Pick<EngineProfile, 'flags'>): readonly string[] {
  return Object.entries(flags).flatMap(([flag, value]) => [flag, String(value)]);
}

/** Reads a profile. Throws a usage error where the file holds none. */
export function readProfile(path: string): readonly string[] {
  try {
    const { flags } = (JSON.parse(readFileSync(path, 'utf8')) ?? {}) as Partial<EngineProfile>;
    if (typeof flags !== 'object' || flags === null) throw new Error('expected an object with "flags"');
    const wrong = Object.entries(flags).find(([flag, value]) => !isProfileFlag(flag) || typeof value !== 'number');
    if (wrong) throw new Error(`expected numbers for ${PROFILE_FLAGS.join(', ')}; got ${wrong[0]}: ${wrong[1]}`);
    return wordsOf({ flags });
  } catch (error) {
    const problem = error instanceof SyntaxError ? `expected JSON: ${error.message}` : fileProblem(error);
    throw new ExitError('usage', `--sim-profile ${path}: ${problem}`, { cause: error });
  }
}

function isProfileFlag(flag: string): flag is ProfileFlag {
  return (PROFILE_FLAGS as readonly string[]).includes(flag);
}
