import assert from 'node:assert/strict';

/** One metric of a scrape. */
export interface ScrapedFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ScrapedSample[];
}

export interface ScrapedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { histogram: ['_bucket', '_sum', '_count'] };

/**
 * Reads a scrape as strictly as `promtool check metrics`: each metric once, with HELP and TYPE before its samples, names as
 * Prometheus wants them, no series twice, histograms that rise and end in +Inf.
 */
export function parseScrape(text: string): Map<string, ScrapedFamily> {
  assert.ok(text.endsWith('\n'), 'the last line ends');
  const families = new Map<string, { type: string; help: string; samples: ScrapedSample[] }>();
  let name = '';
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, help, typed, rest = ''] = /^# (?:(HELP)|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (help) {
      name = typed as string;
      assert.ok(!families.has(name), `${name} comes twice`);
      families.set(name, { type: '', help: rest, samples: [] });
    } else if (typed) {
      assert.equal(typed, name, 'TYPE follows HELP');
      families.get(name)!.type = rest;
    } else families.get(name)!.samples.push(sampleOf(line, name, families.get(name)!.type));
  }
  for (const [family, { type, help, samples }] of families) lint(family, type, help, samples);
  return families;
}

/** The value of one series of a scrape; undefined where there is none. */
export function scraped(
  families: ReadonlyMap<string, ScrapedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const samples = [...families.values()].flatMap((family) => family.samples).filter((sample) => sample.name === name);
  const fits = samples.filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value));
  assert.ok(fits.length < 2, `${name} ${JSON.stringify(labels)} is one series`);
  return fits[0]?.value;
}

function sampleOf(line: string, family: string, type: string): ScrapedSample {
  const [, name = '', inner = '', value = ''] = SAMPLE.exec(line) ?? assert.fail(`not a sample: ${line}`);
  const names = SUFFIXES[type]?.map((suffix) => family + suffix) ?? [family];
  assert.ok(names.includes(name), `${name} stands under ${family}`);
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  for (let match = LABEL.exec(inner); match; match = LABEL.exec(inner)) {
    const [whole, label = '', text = ''] = match;
    assert.ok(!(label in labels), `label twice: ${line}`);
    labels[label] = text;
    if (match.index + whole.length === inner.length) break;
  }
  const written = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
  assert.equal(written.join(','), inner, `labels of ${line}`);
  return { name, labels, value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value) };
}

function lint(name: string, type: string, help: string, samples: readonly ScrapedSample[]): void {
  assert.match(type, /^(counter|gauge|histogram)$/, `${name} has a type`);
  assert.ok(help.length > 0, `${name} has help`);
  assert.equal(name.endsWith('_total'), type === 'counter', `${name}: counters, and only they, end in _total`);
  // Another router's names are as they are.
  if (!name.startsWith('smg_'))
    assert.doesNotMatch(name, /_(ms|milliseconds|us|mb|kb|minutes|bucket|sum|count)(_|$)/, `${name}: base units`);
  const series = samples.map((sample) => `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`);
  assert.equal(new Set(series).size, series.length, `${name}: no series twice`);
  for (const { value, labels } of samples) {
    assert.ok(!Number.isNaN(value), `${name} ${JSON.stringify(labels)} has a value`);
    if (type !== 'gauge') assert.ok(value >= 0, `${name} is not negative`);
  }
  if (type === 'histogram') lintHistogram(name, samples);
}

function lintHistogram(name: string, samples: readonly ScrapedSample[]): void {
  const groups = Map.groupBy(samples, ({ labels: { le: _, ...labels } }) => JSON.stringify(labels));
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => (labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le)));
    assert.deepEqual(
      bounds,
      [...new Set(bounds)].sort((a, b) => a - b),
      `${name}: bounds rise`,
    );
    assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY, `${name} ends in +Inf`);
    const counts = buckets.map(({ value }) => value);
    assert.deepEqual(
      counts,
      [...counts].sort((a, b) => a - b),
      `${name}: buckets are cumulative`,
    );
    assert.equal(group.find((sample) => sample.name === `${name}_count`)?.value, counts.at(-1), `${name}: count`);
  }
}
