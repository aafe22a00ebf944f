import { evenAxis, timeAxis } from './axis.ts';
import { escaped } from './escaped.ts';
import { bestOf, cellOf, FIGURES, isComparable, percent } from './figures.ts';
import { colour, STYLE } from './html-style.ts';
import type { Ran, Report, Run } from './run.ts';
import { quantile } from './statistics.ts';
import { bars, lines, type Series, scatter } from './svg.ts';
import { problemsOf } from './table.ts';
import { verdictOf, workloadVerdict } from './verdict.ts';
import { FLEET_PLOTS, fleetSeries } from './what-if/fleet-plots.ts';

const CURVE_POINTS = 100;

/** The report as one page that loads nothing. */
export function renderHtml({ startedAt, commandLine, machine, workloads, runs }: Report): string {
  const verdict = verdictOf(workloads, runs);
  const sections = workloads.map((ran) =>
    section(
      ran,
      runs.filter(({ workload }) => workload === ran.name),
      verdict,
    ),
  );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Routing benchmark</title>
<style>${STYLE}</style>
<h1>Routing benchmark</h1>
<p class="verdict">${escaped(verdict)}</p>
<p class="soft">${escaped(startedAt)} · ${escaped(machine)}<br><code>${escaped(commandLine)}</code></p>
${sections.join('\n')}
<footer>Coloured: the best of a column, of those with at most 1 % errors. Compared are first token (p90), hits and makespan with the best of
the others; within 2 % is level. First token: from sending a request to its first token. Hit: prompt tokens that were in the cache of the
engine that served them, as the engine counted; predicted: as the router expected. Hotspot: workers × largest share of the requests, 1 is
even. Goodput: requests a second that met the objective. In bold: this program's own router, or the server that was named.</footer>
</html>
`;
}

function section(ran: Ran, runs: readonly Run[], verdict: string): string {
  const { name, about, requests, possibleHitShare } = ran;
  const problems = runs.flatMap(({ contender, summary }) =>
    problemsOf(summary).map((text) => `<p class="problem">${escaped(`${contender}: ${text}`)}</p>`),
  );
  const said = workloadVerdict(ran, runs);
  const all = { ttft: runs.map(ttftCurve), points: runs.map(points) };
  const [shareOfRequests, ms] = [evenAxis([100]), timeAxis(xOf(all.ttft))];
  const seconds = evenAxis(xOf(all.points));
  return `<section><h2>${escaped(name)}</h2>
${said === verdict ? '' : `<p>${escaped(said)}</p>`}
<p class="soft">${escaped(about)}; ${requests} requests, possible hit ${percent(possibleHitShare)} %</p>
<div class="wide">${table(runs)}</div>
${problems.join('\n')}
${fleetPlots(runs)}${key(runs.map(({ contender }) => contender))}
<div class="plots">
${plot('Requests that had their first token', lines(all.ttft, { x: ms, y: shareOfRequests, xLabel: 'ms after sending', yLabel: '% of the requests' }))}
${plot('First token by time of sending', scatter(all.points, { x: seconds, y: timeAxis(yOf(all.points)), xLabel: 'seconds', yLabel: 'ms' }))}
${plot('Share of the requests by worker', bars(runs.map(shares), { xLabel: 'worker', yLabel: '% of the requests' }))}
</div></section>`;
}

function table(runs: readonly Run[]): string {
  const best = FIGURES.map((figure) =>
    bestOf(
      figure,
      runs.map(({ summary }) => summary),
    ),
  );
  const rows = runs.map(({ contender, own, summary }) => {
    const cells = FIGURES.map((figure, i) => {
      const text = cellOf(figure, summary);
      return `<td${text === best[i] && isComparable(summary) ? ' class="best"' : ''}>${text}</td>`;
    });
    return `<tr${own ? ' class="own"' : ''}><th scope="row">${escaped(contender)}</th>${cells.join('')}</tr>`;
  });
  return `<table><thead>${heads()}</thead><tbody>${rows.join('')}</tbody></table>`;
}

/** Groups over their columns; a column without a group takes both lines. */
function heads(): string {
  const groups = FIGURES.reduce<{ name: string; columns: number }[]>((before, { group }) => {
    const last = before.at(-1);
    if (group !== '' && last?.name === group) last.columns++;
    else before.push({ name: group, columns: 1 });
    return before;
  }, []);
  const alone = FIGURES.filter(({ group }) => group === '').map(({ label }) => label);
  const first = groups.map(({ name, columns }) =>
    name === '' ? `<th rowspan="2">${alone.shift() ?? ''}</th>` : `<th colspan="${columns}">${name}</th>`,
  );
  const second = FIGURES.filter(({ group }) => group !== '').map(({ label }) => `<th>${label}</th>`);
  return `<tr><th rowspan="2"></th>${first.join('')}</tr><tr>${second.join('')}</tr>`;
}

/** Of fleets of several sizes; empty without. */
function fleetPlots(runs: readonly Run[]): string {
  const plots = FLEET_PLOTS.map(({ caption, unit, value }) => ({
    caption,
    unit,
    series: fleetSeries(runs, value, colour),
  }));
  const policies = plots[0]?.series ?? [];
  if (policies.length === 0) return '';
  const figures = plots.map(({ caption, unit, series }) =>
    plot(
      caption,
      lines(series, { x: evenAxis(xOf(series)), y: evenAxis(yOf(series)), xLabel: 'workers', yLabel: unit }),
    ),
  );
  return `${key(policies.map(({ name }) => name))}\n<div class="plots">\n${figures.join('\n')}\n</div>\n`;
}

function key(names: readonly string[]): string {
  const entries = names.map((name, i) => `<span><i style="background:${colour(i)}"></i>${escaped(name)}</span>`);
  return `<p class="key">${entries.join(' ')}</p>`;
}

function plot(caption: string, svg: string): string {
  return `<figure><figcaption>${escaped(caption)}</figcaption>${svg}</figure>`;
}

function ttftCurve({ contender, points: all }: Run, index: number): Series {
  const sorted = all.map(([, ttft]) => ttft).sort((a, b) => a - b);
  const steps = Array.from({ length: sorted.length > 0 ? CURVE_POINTS + 1 : 0 }, (_, i) => i / CURVE_POINTS);
  return { name: contender, colour: colour(index), points: steps.map((q) => [quantile(sorted, q), q * 100]) };
}

function points({ contender, points: all }: Run, index: number): Series {
  return { name: contender, colour: colour(index), points: all };
}

function shares({ contender, summary }: Run, index: number): Series {
  return { name: contender, colour: colour(index), points: summary.workerShares.map((share, i) => [i, share * 100]) };
}

function xOf(all: readonly Series[]): number[] {
  return all.flatMap(({ points }) => points.map(([x]) => x));
}

function yOf(all: readonly Series[]): number[] {
  return all.flatMap(({ points }) => points.map(([, y]) => y));
}
