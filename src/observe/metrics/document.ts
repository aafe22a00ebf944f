import type { Alias } from './aliases/alias.ts';
import { FORMER } from './aliases/former.ts';
import { SMG } from './aliases/smg.ts';
import { METRICS, type MetricRow } from './table.ts';

const INTRO = `# Metrics

Generated from \`src/observe/metrics/table.ts\` and \`src/observe/metrics/aliases\`: do not edit, run \`npm run generate\`.
[observability.md](observability.md) says how to scrape them and what to look at.`;

const LABELS = `## Labels

| Label | Values |
| --- | --- |
| \`route\` | a path that the router knows, \`{…}\` for its variable part; \`other\` for all else |
| \`method\` | \`GET\`, \`HEAD\`, \`POST\`, \`PUT\`, \`PATCH\`, \`DELETE\` or \`OPTIONS\`; \`other\` for all else, and where the answer is 405 |
| \`model\` | the model of the request where a worker serves one of that name (100 names at most), else \`other\`; without a name the only model there is |
| \`streaming\` | \`true\` where the answer came as events |
| \`worker\` | URL of a worker; its series go when it is removed |
| \`role\` | \`regular\`, \`prefill\` or \`decode\` |
| \`status_code\` | the HTTP status; \`499\` where the client left before its answer |
| \`error_code\` | the router's own error codes; empty for a worker's answer |
| \`error_type\` | of a failure: \`validation_error\`, \`unauthorized\`, \`not_found\`, \`timeout\`, \`rate_limited\`, \`no_workers\`, \`backend_error\`, \`internal_error\` |
| \`attempt\` | the attempt that failed before the wait; 10 for all after |
| \`gt\`, \`le\` | seconds |
| \`source\` | who names workers: \`file\`, \`kubernetes\`, \`dns\` |
| \`reason\` | which rule of the policy decided |

No label has a value that a client can make up.`;

/** docs/metrics.md. */
export function document(): string {
  const rows: readonly MetricRow[] = Object.values(METRICS);
  return `${[INTRO, section('Names', NAMES, rows.map(row)), LABELS, ...ALIASES.map(aliases), buckets(rows)].join('\n\n')}\n`;
}

const NAMES = ['Metric', 'Type', 'Unit', 'Labels', 'What it counts'];

function row({ name, type, unit, labels, help }: MetricRow): readonly string[] {
  return [code(name), type, unit ?? '', labels.map(code).join(', '), help];
}

const ALIASES: readonly (readonly [title: string, names: readonly Alias[]])[] = [
  ['Names of 0.3.2 and smg (left out with `--metrics-names sgl_router`)', SMG],
  ['Names of 0.2.x (left out with `--metrics-names smg`, as all `sgl_router_*` are)', FORMER],
];

function aliases([title, names]: (typeof ALIASES)[number]): string {
  const rows = names.map(({ name, help, of, labels }) => [
    code(name),
    of.map((key) => code(METRICS[key].name)).join(', '),
    labels.map(code).join(', '),
    help ?? METRICS[of[0]].help,
  ]);
  return section(title, ['Metric', 'Comes from', 'Labels', 'What it counts'], rows);
}

function buckets(rows: readonly MetricRow[]): string {
  const histograms = rows.flatMap(({ name, buckets }) => (buckets ? [[code(name), buckets.join(' ')]] : []));
  return section('Bounds of the histograms', ['Metric', 'Seconds'], histograms);
}

function section(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [`## ${title}`, '', line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}
