import { show, ValueError } from './values.ts';

/** Key and value of a label as Kubernetes allows them. */
const NAME = '[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';
const PREFIX = '[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/';
const KEY = `(?:${PREFIX})?${NAME}`;
const VALUE = `(?:${NAME})?`;

/** One requirement, at whatever place in a word: a set, an equation, or that there is such a label, or none. */
const REQUIREMENT = new RegExp(
  [
    String.raw`(?<key>${KEY})\s+(?<within>in|notin)\s*\((?<values>\s*${VALUE}(?:\s*,\s*${VALUE})*\s*)\)`,
    `(?<left>${KEY})(?<sign>==?|!=)(?<right>${VALUE})`,
    `(?<exists>!?(?!(?:not)?in\\b)${KEY})`,
  ]
    .map((form) => String.raw`(?:${form})(?=[\s,]|$)`)
    .join('|'),
  'y',
);
const SEPARATOR = /[\s,]*/y;

/** The requirements of a label selector, each as Kubernetes writes it. Spaces and commas separate them, as words do. */
export function readSelector(words: readonly string[]): readonly string[] {
  return words.flatMap((word) => [...requirementsOf(word)]);
}

function* requirementsOf(word: string): Iterable<string> {
  let at = skip(SEPARATOR, word, 0);
  while (at < word.length) {
    REQUIREMENT.lastIndex = at;
    const found = REQUIREMENT.exec(word);
    if (!found) {
      throw new ValueError(`expected labels such as app=worker 'tier in (gpu,cpu)', got ${show(word.slice(at))}`);
    }
    yield requirementOf(found.groups ?? {});
    at = skip(SEPARATOR, word, REQUIREMENT.lastIndex);
  }
}

function requirementOf(parts: Readonly<Record<string, string | undefined>>): string {
  const { key, within, values, left, sign, right, exists } = parts;
  if (within !== undefined) return `${key} ${within} (${values?.replaceAll(/\s/g, '')})`;
  if (sign !== undefined) return `${left}${sign === '==' ? '=' : sign}${right}`;
  return exists ?? '';
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  pattern.exec(text);
  return pattern.lastIndex;
}
