/** What fleets are asked for. */
export interface Question {
  /** None: as many as --engines. */
  readonly workers: readonly number[];
  /** None: those of --policy. */
  readonly policies: readonly string[];
}

/** What stands before the `=` of a word. */
const NAMES = ['workers', 'policy'] as const;
const MOST_WORKERS = 1024;

/** Whether a word is a part of a question. */
export function isAsked(word: string | undefined): word is string {
  return word !== undefined && /^\w+=/.test(word);
}

/** Reads `workers=2,4,8` and `policy=cache_aware,round_robin`; throws an Error that says what was expected. */
export function readQuestion(words: readonly string[]): Question {
  const values = new Map<string, readonly string[]>();
  for (const word of words) {
    const at = word.indexOf('=');
    const name = word.slice(0, at);
    const list = word
      .slice(at + 1)
      .split(',')
      .filter(Boolean);
    if (!NAMES.some((one) => one === name) || list.length === 0) {
      throw new Error(`expected workers=N,… and policy=NAME,…, got '${word}'`);
    }
    values.set(name, list);
  }
  const workers = (values.get('workers') ?? []).map(Number);
  if (!workers.every((count) => Number.isSafeInteger(count) && count >= 1 && count <= MOST_WORKERS)) {
    throw new Error(`expected whole numbers of workers from 1 to ${MOST_WORKERS}, got '${values.get('workers')}'`);
  }
  return { workers, policies: values.get('policy') ?? [] };
}
