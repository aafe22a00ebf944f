import { benchFlags } from '../bench/options.ts';
import { WORKLOADS } from '../bench/workloads/index.ts';
import { helpPage, type Layout } from './help.ts';

const INTRO =
  'Measures how a router spreads requests over its servers: first-token times, throughput, and the share of the prompts that was in the cache ' +
  'of the server that got them. Starts simulated engines and a router, or takes a server with --url.';

/** Help of the benchmark. */
export function benchHelp(layout: Layout): string {
  const workloads = WORKLOADS.map(({ name, about }) => [name, about] as const);
  const sections = [
    { heading: 'Workloads', rows: workloads },
    { heading: 'Flags', rows: benchFlags() },
  ];
  return helpPage({ usage: '[flags]', intro: INTRO, sections }, layout);
}
