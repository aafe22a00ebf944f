import { BY_DEFAULT } from './origin.ts';
import type { Setting } from './settings.ts';
import { GROUPS } from './spec.ts';

/** Columns of `name: value`, before the origin. */
const WIDTH = 50;

/**
 * The values as a file that `--config` takes, with where each comes from. What is not given is a comment, and so is a key, which is
 * never shown, and the name of a file.
 */
export function settingsText(settings: readonly Setting[]): string {
  const sections = Object.entries(GROUPS).flatMap(([group, title]) => {
    const lines = settings.filter((one) => one.spec.group === group && !isIdle(one)).map(lineOf);
    return lines.length === 0 ? [] : [`# ${title}\n${lines.join('')}`];
  });
  return sections.join('\n');
}

/** Nobody gave it, and it would do nothing. */
function isIdle({ spec, origin }: Setting): boolean {
  return spec.noEffect !== undefined && origin === BY_DEFAULT;
}

function lineOf(setting: Setting): string {
  const { key, spec, flag, origin } = setting;
  const value = yamlOf(setting);
  const given = origin !== BY_DEFAULT && value !== undefined;
  const line = `${flag.slice(2)}:${value === undefined ? '' : ` ${value}`}`;
  const active = given && !spec.secret && key !== 'configFile';
  return `${(active ? line : `# ${line}`).padEnd(WIDTH)} # ${value === undefined ? 'not set' : origin.place}\n`;
}

/** Undefined where there is none. */
function yamlOf({ spec, value, occurrences }: Setting): string | undefined {
  if (spec.arity === 'none') return value === 'false' ? value : 'true';
  if (occurrences.flat().length === 0) return undefined;
  if (spec.secret) return value;
  if (spec.arity === 'one') return scalar(occurrences.flat()[0] ?? '');
  const items = spec.type === 'prefill' ? occurrences.map((words) => words.join(' ')) : occurrences.flat();
  return `[${items.map(scalar).join(', ')}]`;
}

/** As it is where YAML reads it as one text, in quotes elsewhere. */
function scalar(word: string): string {
  return /^[\w./+][\w./:+-]*(?<!:)$/.test(word) ? word : JSON.stringify(word);
}
