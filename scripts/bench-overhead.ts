/**
 * What the router costs, beside its peers and the least that Node can do, in one run: `npm run bench:overhead [-- --repeats N]
 * [--only ours,smg] [--no-burst]`. Needs Go and the instruments (BENCH_DIR, else ../shared/bench); of the peers those are measured
 * that `scripts/install-peers` has installed. Options that this checkout does not know (`--data-threads`) are left out.
 */
import { parseArgs } from 'node:util';
import { type Burst, burst } from './overhead/burst.ts';
import { burstTableOf, type Figures, median, type Row, tableOf, verdictsOf } from './overhead/figures.ts';
import { buildInstruments, type Cost, type Kind, type Load, loadDirect, loadOn } from './overhead/load.ts';
import { installPrograms, type Program } from './overhead/programs.ts';

const { values: flags } = parseArgs({
  options: {
    repeats: { type: 'string', default: '3' },
    only: { type: 'string' },
    burst: { type: 'boolean', default: true },
  },
  allowNegative: true,
});

buildInstruments();
const words = flags.only?.split(',');
const programs = installPrograms().filter(({ name }) => !words || words.some((word) => name.startsWith(word)));
const figures = await measureAll(Number(flags.repeats));
console.log(`\n${tableOf(figures)}`);
if (flags.burst) console.log(`\n${burstTableOf(figures)}`);
console.log(`\n${verdictsOf(figures)}`);

/** All programs once, then all again: what else the machine does meets them alike. */
async function measureAll(repeats: number): Promise<Figures> {
  const directs: Load[] = [];
  const rows = new Map<string, Row[]>();
  const bursts = new Map<string, Burst[]>();
  for (let repeat = 1; repeat <= repeats; repeat++) {
    const say = (what: string) => process.stderr.write(`${repeat}/${repeats} ${what}\n`);
    directs.push(await loadDirect());
    for (const program of programs) {
      say(program.name);
      rows.set(program.name, [...(rows.get(program.name) ?? []), await measure(program)]);
    }
    if (!flags.burst) continue;
    say('burst');
    for (const one of burst()) bursts.set(one.name, [...(bursts.get(one.name) ?? []), one]);
  }
  return {
    direct: medianOf(directs),
    rows: new Map(Array.from(rows, ([name, all]) => [name, medianRow(name, all)])),
    bursts: Array.from(bursts.values(), (all) => medianOf(all)),
  };
}

async function measure(program: Program): Promise<Row> {
  const of = (kind: Kind) => loadOn(program, kind);
  return { name: program.name, chat: await of('chat'), warm: await of('warm'), stream: await of('stream') };
}

function medianRow(name: string, all: readonly Row[]): Row {
  const of = (kind: Kind): Cost => medianOf(all.map((row) => row[kind]));
  return { name, chat: of('chat'), warm: of('warm'), stream: of('stream') };
}

/** Of each number by itself; of failures the most. */
function medianOf<T extends object>(all: readonly T[]): T {
  const [first] = all as readonly [T];
  const entries = Object.entries(first).map(([name, value]) => {
    const values = all.map((one) => one[name as keyof T]);
    if (name === 'bad' || name === 'errors') return [name, Math.max(...(values as number[]))];
    return [name, typeof value === 'number' ? median(values as number[]) : value];
  });
  return Object.fromEntries(entries) as T;
}
