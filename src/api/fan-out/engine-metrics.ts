/** One metric of all workers. */
interface Family {
  help: string | undefined;
  type: string | undefined;
  readonly samples: string[];
}

const COMMENT = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.*)$/;
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?[ \t]+([+-]?(?:[\d.]+(?:e[+-]?\d+)?|Inf|NaN))(?:[ \t]+-?\d+)?[ \t]*$/i;
/** What a histogram, a summary or a counter puts behind its name. */
const SUFFIX = /^(?:_bucket|_sum|_count|_total|_created)?$/;
/** Engines wrote `sglang:` before they wrote `sglang_`; dashboards exist for both. */
const OLD = 'sglang:';
const NEW = 'sglang_';
const LABEL = 'worker_addr';
const HAS_LABEL = /(?:^|,)\s*worker_addr="/;

/**
 * Prometheus texts of several workers as one: each sample with `worker_addr`, each metric once, and those of the engine under
 * both `sglang_` and `sglang:`. Lines that are not in Prometheus' format are left out.
 */
export class EngineMetrics {
  readonly #families = new Map<string, Family>();

  /** What a worker answered to `GET /metrics`; best as it comes, for a thousand lines take 2 ms. */
  add(worker: string, text: string): void {
    addAnswer(this.#families, text, `${LABEL}="${labelValue(worker)}"`);
  }

  render(): string {
    let out = '';
    for (const [name, family] of this.#families) {
      if (family.samples.length === 0) continue;
      out += render(name, family);
      if (name.startsWith(NEW)) out += render(OLD + name.slice(NEW.length), family);
    }
    return out;
  }
}

function addAnswer(families: Map<string, Family>, text: string, label: string): void {
  let current = '';
  const seen = new Set<string>();
  const others = new Set<string>();
  for (const line of text.split(/\r?\n/)) {
    const [, kind, commented, rest] = COMMENT.exec(line) ?? [];
    if (commented !== undefined) {
      current = newName(commented);
      const family = familyOf(families, current);
      if (kind === 'HELP') family.help ??= rest;
      else {
        family.type ??= rest;
        if (family.type !== rest) others.add(current);
      }
      continue;
    }
    const [, written, labels = '', value] = SAMPLE.exec(line) ?? [];
    if (written === undefined) continue;
    const name = newName(written);
    const belongs = current !== '' && name.startsWith(current) && SUFFIX.test(name.slice(current.length));
    const family = belongs ? current : name;
    // The name is put before it when it is rendered, for there are two.
    const sample = `${name}{${labels}}`;
    // An engine that writes both names has each sample twice; one that disagrees on what a metric is has none of it.
    if (seen.has(sample) || others.has(family)) continue;
    seen.add(sample);
    const all = HAS_LABEL.test(labels) ? labels : `${label}${labels && ','}${labels}`;
    familyOf(families, family).samples.push(`${name.slice(family.length)}{${all}} ${value}`);
  }
}

function familyOf(families: Map<string, Family>, name: string): Family {
  let family = families.get(name);
  if (!family) {
    family = { help: undefined, type: undefined, samples: [] };
    families.set(name, family);
  }
  return family;
}

function newName(name: string): string {
  return name.startsWith(OLD) ? NEW + name.slice(OLD.length) : name;
}

function render(name: string, { help, type, samples }: Family): string {
  const head = `${help === undefined ? '' : `# HELP ${name} ${help}\n`}${type === undefined ? '' : `# TYPE ${name} ${type}\n`}`;
  return `${head}${samples.map((sample) => `${name}${sample}\n`).join('')}`;
}

function labelValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
