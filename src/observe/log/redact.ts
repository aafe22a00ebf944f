import type { WriteLine } from './line.ts';

const HIDDEN = '***';
/** Shorter keys are parts of words, of names and of numbers too: they are hidden where they stand alone. */
const SHORT = 8;

/** Takes every key out of a line before it is written, in whatever spelling: the last guard, whoever put it there. */
export function redacting(secrets: readonly (string | undefined)[], write: WriteLine): WriteLine {
  const spellings = new Set(secrets.flatMap((secret) => (secret ? spellingsOf(secret) : [])));
  if (spellings.size === 0) return write;
  // The longest first: a key may contain another.
  const hidden = [...spellings]
    .sort((a, b) => b.length - a.length)
    .map((secret) => ({ secret, found: patternOf(secret) }));
  return (line) => {
    let shown = line;
    for (const { secret, found } of hidden) if (shown.includes(secret)) shown = shown.replaceAll(found, HIDDEN);
    write(shown);
  };
}

function patternOf(secret: string): string | RegExp {
  return secret.length < SHORT ? new RegExp(`(?<![\\w:])${RegExp.escape(secret)}(?!\\w)`, 'g') : secret;
}

/** Plain, as in JSON, as in a URL. */
function spellingsOf(secret: string): string[] {
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed())];
}
