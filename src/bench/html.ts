import type { Ran, Report, Run } from './report.ts';
import { quantile } from './statistics.ts';
import { bars, lines, type Series, scatter } from './svg.ts';
import { cells, HEADINGS, percent, problemsOf } from './table.ts';
import { FLEET_PLOTS, fleetSeries } from './what-if/fleet-plots.ts';

const CURVE_POINTS = 100;
const COLOURS = ['#1f6feb', '#d1242f', '#1a7f37', '#bf8700', '#8250df', '#57606a', '#0a7ea4', '#cf6b00'];

const STYLE = `body{font:14px system-ui,sans-serif;margin:2em auto;max-width:1100px;padding:0 1em;color:#1f2328;background:#fff}
table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .7em;text-align:right;border-bottom:1px solid #d1d9e0}
td:first-child,th:first-child{text-align:left}tr.own td{font-weight:600}h2{margin-top:2em}.plots{display:flex;flex-wrap:wrap;gap:1em}
figure{margin:0}figcaption{font-weight:600;margin:.5em 0}.key i{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 1em}
.problem{color:#d1242f}footer{margin:3em 0;color:#59636e}svg text{font:11px system-ui,sans-serif;fill:#59636e}`;

/** The report as one page that loads nothing. */
export function renderHtml({ startedAt, commandLine, machine, workloads, runs }: Report): string {
  const sections = workloads.map((ran) =>
    section(
      ran,
      runs.filter(({ workload }) => workload === ran.name),
    ),
  );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Routing benchmark</title>
<style>${STYLE}</style>
<h1>Routing benchmark</h1>
<p>${escaped(startedAt)} · ${escaped(machine)}</p>
<p><code>${escaped(commandLine)}</code></p>
${sections.join('\n')}
<footer>TTFT: from sending a request to its first token. ITL: between two tokens. Hit: prompt tokens that were in the cache of the
engine that served them, as the engine counted; predicted: as the router expected. Hotspot: workers × largest share of the requests,
1 is even. Goodput: requests a second that met the objective.</footer>
</html>
`;
}

function section({ name, about, requests, possibleHitShare }: Ran, runs: readonly Run[]): string {
  const rows = runs.map(
    ({ contender, own, summary }) =>
      `<tr${own ? ' class="own"' : ''}>${[contender, ...cells(summary)].map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`,
  );
  const problems = runs.flatMap(({ contender, summary }) =>
    problemsOf(summary).map((text) => `<p class="problem">${escaped(`${contender}: ${text}`)}</p>`),
  );
  return `<section><h2>${escaped(name)}</h2>
<p>${escaped(about)}; ${requests} requests, possible hit ${percent(possibleHitShare)} %</p>
<table><tr>${['', ...HEADINGS].map((heading) => `<th>${escaped(heading)}</th>`).join('')}</tr>${rows.join('')}</table>
${problems.join('\n')}
<p class="key">${runs.map(({ contender }, i) => `<i style="background:${colour(i)}"></i>${escaped(contender)}`).join('')}</p>
<div class="plots">
${plot('Requests whose first token came within … ms', lines(runs.map(ttftCurve), 'ms', 'share of requests, %'))}
${plot('First token, ms, by time of sending', scatter(runs.map(points), 'seconds', 'ms'))}
${plot('Share of the requests by worker, %', bars(runs.map(shares), 'worker'))}
${fleetPlots(runs)}</div></section>`;
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
  const key = policies.map(({ name, colour }) => `<i style="background:${colour}"></i>${escaped(name)}`).join('');
  const figures = plots.map(({ caption, unit, series }) => plot(caption, lines(series, 'workers', unit)));
  return `</div><p class="key">${key}</p><div class="plots">\n${figures.join('\n')}\n`;
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

function colour(index: number): string {
  return COLOURS[index % COLOURS.length] as string;
}

function escaped(text: string): string {
  // Addresses in messages stay readable, but the page shall not look as if it loaded anything.
  const plain = text.replaceAll(/https?:\/\//g, '');
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
