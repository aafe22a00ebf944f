import { ExitError } from '../errors/errors.ts';
import type { Given } from './argv.ts';
import type { FlagOf } from './flag-of.ts';
import type { Config } from './options.ts';
import { readUrl, serverOf } from './values.ts';

/**
 * A server that is named more than once counts once, which is told. Throws a usage error where it is named for two different
 * things: prefill and decode, or two bootstrap ports.
 */
export function checkDoubles(config: Config, flagOf: FlagOf, given: ReadonlyMap<string, Given>): readonly string[] {
  if (config.pdDisaggregation) refuseContradictions(config, flagOf);
  const { workerUrls, prefill, decode } = Object.fromEntries(given);
  return [
    ...notices(workerUrls, workerUrls?.occurrences.at(-1)),
    ...notices(
      prefill,
      prefill?.occurrences.flatMap(([url = '']) => url),
    ),
    ...notices(decode, decode?.occurrences.flat()),
  ];
}

function notices(given: Given | undefined, words: readonly string[] = []): readonly string[] {
  const perServer = Map.groupBy(words, (word) => serverOf(readUrl(word)));
  const doubles = [...perServer.values()].filter(({ length }) => length > 1);
  return doubles.map((named) => {
    const spellings = [...new Set(named)].join(' and ');
    return `${given?.source} names one server ${named.length} times, as ${spellings}: it counts once`;
  });
}

function refuseContradictions(config: Config, flagOf: FlagOf): void {
  const before = new Map<string, { readonly flag: string; readonly url: string }>();
  const named = [
    ...config.prefill.map(({ url }) => ({ url, flag: flagOf('prefill') })),
    ...config.decode.map((url) => ({ url, flag: flagOf('decode') })),
  ];
  for (const { url, flag } of named) {
    const other = before.get(serverOf(url));
    before.set(serverOf(url), { flag, url });
    if (!other) continue;
    const how = other.flag === flag ? 'with another bootstrap port' : `with ${other.flag} ${other.url}`;
    throw new ExitError('usage', `${flag} ${url}: the same server is given before ${how}`, {
      hint: 'a server is either prefill or decode, and has one bootstrap port: name each once',
    });
  }
}
