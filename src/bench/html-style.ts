/** Colours of contenders, on a white page and on a dark one. */
const COLOURS: readonly (readonly [light: string, dark: string])[] = [
  ['#0969da', '#58a6ff'],
  ['#cf222e', '#ff7b72'],
  ['#1a7f37', '#3fb950'],
  ['#9a6700', '#e3b341'],
  ['#8250df', '#bc8cff'],
  ['#57606a', '#9198a1'],
  ['#0a7ea4', '#39c5cf'],
  ['#bc4c00', '#ffa657'],
];

const variables = (shade: 0 | 1) => COLOURS.map((colours, i) => `--c${i}:${colours[shade]}`).join(';');

/** All colours, by the mode of the browser. */
export const SHADES = `:root{color-scheme:light dark;--page:#fff;--text:#1f2328;--soft:#59636e;--line:#d1d9e0;--mark:#dafbe1;--bad:#cf222e;${variables(0)}}
@media (prefers-color-scheme:dark){:root{--page:#0d1117;--text:#e6edf3;--soft:#9198a1;--line:#3d444d;--mark:#12361f;--bad:#ff7b72;${variables(1)}}}`;

export const STYLE = `${SHADES}
*{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:1240px;padding:1em;color:var(--text);background:var(--page)}
h1{margin:.3em 0;font-size:1.5em}h2{margin:2em 0 .3em;font-size:1.25em}p{margin:.5em 0}code{overflow-wrap:anywhere}
.verdict{font-size:1.15em;font-weight:600}.soft,footer{color:var(--soft)}.problem{color:var(--bad);overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:1em 0;font-variant-numeric:tabular-nums;white-space:nowrap}
td,th{padding:.25em .6em;text-align:right;border-bottom:1px solid var(--line)}th{color:var(--soft);font-weight:500;vertical-align:bottom}
thead th[colspan]:not([colspan="1"]){text-align:center;border-left:1px solid var(--line);border-right:1px solid var(--line)}
th[scope=row],thead tr:first-child th:first-child{text-align:left;position:sticky;left:0;background:var(--page);color:var(--text)}
.own th[scope=row]{font-weight:700}td.best{background:var(--mark);font-weight:700}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,360px),1fr));gap:1em}figure{margin:0;max-width:560px}
figcaption{font-weight:600;margin:.3em 0}svg{display:block;width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:var(--soft)}
.grid{stroke:var(--line)}.key span{white-space:nowrap;margin-right:1em}.key i{display:inline-block;width:.8em;height:.8em;margin-right:.35em;border-radius:2px}
footer{margin:3em 0 1em;font-size:.9em;max-width:80ch}@media (max-width:500px){body{padding:.7em}td,th{padding:.25em .45em}}`;

/** The colour of a contender: of more than eight some look alike. */
export function colour(index: number): string {
  return `var(--c${index % COLOURS.length})`;
}
