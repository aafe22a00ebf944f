import { LAUNCH_OPTIONS, SERVER_OPTIONS } from '../config/launch-options.ts';
import { OPTIONS } from '../config/options.ts';
import { defaultOf, describe, term } from '../config/render.ts';
import { GROUPS, type Spec } from '../config/spec.ts';
import { optionsOf, PREFIXED_OPTIONS, prefixed, ROUTER_OPTIONS } from '../config/vocabulary.ts';
import { commandLines, helpPage, type Layout, type Section } from './help.ts';

/** Which help is asked for: how to start it, or every flag. */
export type Extent = 'brief' | 'all';

const HELP: Section = {
  heading: 'Help',
  rows: [
    ['-h, --help', 'print how to start it'],
    ['--help-all', 'print all flags'],
    ['-V, --version', 'print the version'],
  ],
};
const FOOTER = 'Each flag has a variable, --queue-size is SGLANG_ROUTER_QUEUE_SIZE; the command line comes first.';
/** So that the longest of the few flags has its text beside it on 80 columns. */
const BRIEF_TERM_WIDTH = 34;

/** What most people need of the co-launch. */
const OF_SERVER: readonly Spec[] = [
  ...[SERVER_OPTIONS.serverModelPath, SERVER_OPTIONS.dpSize, SERVER_OPTIONS.tpSize, LAUNCH_OPTIONS.sim],
  ...(['host', 'port', 'policy', 'maxConcurrentRequests', 'apiKey', 'logDir'] as const).map(
    (key) => prefixed({ key, spec: OPTIONS[key] }).spec,
  ),
];
/** And of the router. */
const OF_ROUTER: readonly Spec[] = [
  ...[OPTIONS.workerUrls, OPTIONS.host, OPTIONS.port, OPTIONS.policy, OPTIONS.maxConcurrentRequests, OPTIONS.apiKey],
  ...[OPTIONS.prefill, OPTIONS.decode, OPTIONS.serviceDiscovery, OPTIONS.selector],
];

/** Help of the co-launch. `commands` are those that the program has beside it. */
export function serverHelp(layout: Layout, extent: Extent, commands: readonly string[]): string {
  const { prog, columns } = layout;
  const examples = [
    [prog, '--model-path Qwen/Qwen3-8B', '--dp-size 4'],
    [prog, '--model-path Qwen/Qwen3-32B', '--dp-size 2', '--tp-size 2', '--host 0.0.0.0'],
    [prog, '--sim', '--dp-size 4'],
  ].map((words) => commandLines(words, columns));
  const intro = ['Starts SGLang servers on this machine and serves them behind one port:', ...examples].join('\n');
  const usage = '--model-path MODEL [flags]';
  if (extent === 'brief') {
    const all = 'all flags; any other goes to each server';
    return briefPage(layout, { usage, intro, specs: OF_SERVER, all, commands });
  }
  const specs = [...specsOf(optionsOf(SERVER_OPTIONS)), ...specsOf(optionsOf(LAUNCH_OPTIONS))];
  const others =
    'Flags that are not listed here go to every server as they are: python -m sglang.launch_server --help lists them.';
  return wholePage(layout, usage, `${intro}\n\n${others}`, [...specs, ...specsOf(PREFIXED_OPTIONS)]);
}

/** Help of the router alone. */
export function routerHelp(layout: Layout, extent: Extent, commands: readonly string[]): string {
  const { prog, columns } = layout;
  const examples = [
    [prog, '--worker-urls', 'http://10.0.0.1:30000', 'http://10.0.0.2:30000'],
    [prog, '--pd-disaggregation', '--prefill http://10.0.0.1:30000', '--decode http://10.0.0.2:30000'],
    [prog, '--service-discovery', '--selector app=sglang'],
  ].map((words) => commandLines(words, columns));
  const intro = ['Routes requests to SGLang servers that run already, behind one port:', ...examples].join('\n');
  const usage = '--worker-urls URL ... [flags]';
  if (extent === 'brief') return briefPage(layout, { usage, intro, specs: OF_ROUTER, all: 'all flags', commands });
  return wholePage(layout, usage, intro, specsOf(ROUTER_OPTIONS));
}

/** One screen: the flags that most need, and where the rest is. */
function briefPage(
  layout: Layout,
  about: {
    readonly usage: string;
    readonly intro: string;
    readonly specs: readonly Spec[];
    readonly all: string;
    readonly commands: readonly string[];
  },
): string {
  const { usage, intro, specs, all, commands } = about;
  const rows = specs.map((spec) => [term(spec), briefly(spec)] as const);
  const footer = `Commands: ${commands.join(', ')}; COMMAND --help tells of each`;
  const sections = [{ heading: 'Flags', rows: [...rows, ['--help-all', all] as const] }];
  return helpPage({ usage, intro, sections, footer }, layout, BRIEF_TERM_WIDTH);
}

function briefly(spec: Spec): string {
  const byDefault = spec.arity === 'none' ? '' : defaultOf(spec);
  return `${spec.brief ?? spec.help}${byDefault === '' ? '' : ` (${byDefault})`}`;
}

/** Every flag, in its group. */
function wholePage(layout: Layout, usage: string, intro: string, specs: readonly Spec[]): string {
  const works = specs.filter(({ noEffect }) => !noEffect);
  const groups = Map.groupBy(works, ({ group }) => group);
  const sections = Array.from(groups, ([group, members]) => ({
    heading: GROUPS[group],
    rows: members.map((spec) => [term(spec), describe(spec)] as const),
  }));
  const ignored = specs.filter(({ noEffect }) => noEffect).map(({ flags }) => flags[0]);
  const footer = `${GROUPS.compat}: ${ignored.join(', ')}\n\n${FOOTER}`;
  return helpPage({ usage, intro, sections: [...sections, HELP], footer }, layout);
}

function specsOf(options: readonly { readonly spec: Spec }[]): readonly Spec[] {
  return options.map(({ spec }) => spec);
}
