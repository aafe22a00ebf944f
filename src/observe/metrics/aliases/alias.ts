import type { Families } from '../families.ts';
import { CounterFamily, HistogramFamily, type Reading } from '../family.ts';
import type { MetricKey, MetricRow } from '../table.ts';

type Labels = Readonly<Record<string, string>>;
type AnyFamily = CounterFamily | HistogramFamily;

/** What an alias may know beside the labels of a series. */
export interface AliasContext {
  /** Whether requests take one worker, or a prefill and a decode server. */
  readonly backend: 'regular' | 'pd';
  /** The label `model` of the worker there. */
  readonly modelOf: (worker: string) => string;
}

/** Another router's name for numbers of ours; series that its fewer labels cannot tell apart are added up. */
export interface Alias {
  readonly name: string;
  /** Where it is not what the first of `of` says. */
  readonly help?: string;
  readonly of: readonly [MetricKey, ...MetricKey[]];
  readonly labels: readonly string[];
  /** Values of `labels` for a series of a metric in `of`; undefined where it has no part in this one. */
  readonly map: AliasMap;
  /** The same for a second series that it counts into. */
  readonly also?: AliasMap;
}

type AliasMap = (labels: Labels, context: AliasContext, of: MetricKey) => readonly string[] | undefined;

/** An alias at work. */
export class AliasFamily {
  readonly #alias: Alias;
  readonly #families: Families;
  readonly #context: AliasContext;
  /** What series counted that are gone: a sum must not fall when a worker goes. */
  readonly #gone: AnyFamily;

  constructor(alias: Alias, families: Families, context: AliasContext) {
    this.#alias = alias;
    this.#families = families;
    this.#context = context;
    this.#gone = this.#create();
  }

  /** The alias as it stands now, in parts as any family. */
  readings(): Iterable<Reading> {
    const now = this.#create();
    for (const [values, series] of this.#gone.entries()) add(now, values, series);
    for (const key of this.#alias.of) this.#addFrom(key, now, () => true);
    return now.readings();
  }

  /** The series with this label value are about to be dropped. */
  dropping(label: string, value: string): void {
    if (this.#alias.labels.includes(label)) this.#gone.drop(label, value);
    else for (const key of this.#alias.of) this.#addFrom(key, this.#gone, (labels) => labels[label] === value);
  }

  /** A gauge is read and never dropped, so it adds nothing to what is gone. */
  #addFrom(key: MetricKey, into: AnyFamily, wanted: (labels: Labels) => boolean): void {
    const source: AnyFamily = this.#families[key];
    if (into === this.#gone && source.row.type === 'gauge') return;
    const { map, also } = this.#alias;
    for (const [values, series] of source.entries()) {
      const labels = source.labels(values);
      if (!wanted(labels)) continue;
      for (const target of [map(labels, this.#context, key), also?.(labels, this.#context, key)]) {
        if (target) add(into, target, series);
      }
    }
  }

  #create(): AnyFamily {
    const { name, labels, of, help } = this.#alias;
    const source: AnyFamily = this.#families[of[0]];
    const row: MetricRow = { ...source.row, name, labels, ...(help !== undefined && { help }) };
    return source instanceof HistogramFamily ? new HistogramFamily(row, source.bounds) : new CounterFamily(row);
  }
}

function add(into: AnyFamily, values: readonly string[], series: unknown): void {
  into.with(...values).add(series as never);
}
