import { readFileSync } from 'node:fs';
import { ExitError, fileProblem } from '../errors/errors.ts';
import { yamlProblem } from './yaml-check.ts';

/** One line of the file. */
interface Setting {
  /** `--dp-size`, however the file writes it. */
  readonly flag: string;
  readonly value: string;
  /** Where it stands, for messages. */
  readonly source: string;
}

const LINE = /^([A-Za-z][\w-]*)\s*:\s+(?:"([^"]*)"|'([^']*)'|([^#\s'"[{|>&*!-](?:[^#]|(?<!\s)#)*?))\s*(?:\s#.*)?$/;
const SHORT: Readonly<Record<string, string>> = { dp: 'dp-size', tp: 'tp-size', pp: 'pp-size' };

/**
 * The `key: value` lines of a YAML file as SGLang's `--config` takes it. Lists and blocks are left out: no flag that the
 * launcher reads has one. Throws a usage error when the file cannot be read or is surely broken.
 */
export function readServerFile(path: string): readonly Setting[] {
  const lines = textOf(path).split(/\r?\n/);
  const problem = yamlProblem(lines);
  if (problem !== undefined) {
    throw new ExitError('usage', `--config ${path}: ${problem}`, {
      hint: 'a setting is written dp-size: 4, one a line',
    });
  }
  return lines.flatMap((line) => {
    const [, key, ...values] = LINE.exec(line) ?? [];
    const value = values.find((found) => found !== undefined);
    if (key === undefined || value === undefined) return [];
    const name = key.replaceAll('_', '-');
    return { flag: `--${SHORT[name] ?? name}`, value, source: `${key} in ${path}` };
  });
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ExitError('usage', `--config ${path}: cannot read it: ${fileProblem(cause)}`, { cause });
  }
}
