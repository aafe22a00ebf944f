import { ExitError } from '../errors/errors.ts';
import type { PolicyOptions } from '../scheduler/policies/index.ts';
import { type Contender, installedPeers, ownRouter, peersFolder } from './contenders.ts';
import { type Measured, measure, measureSimulated, type Setting } from './measure.ts';
import type { BenchOptions } from './options.ts';
import type { Run } from './run.ts';
import { measureModel } from './what-if/measure-model.ts';
import type { Question } from './what-if/question.ts';

/** What is measured is made of. */
export interface Programs {
  readonly env: NodeJS.ProcessEnv;
  /** The program that `router` and `sim-engine` are commands of. */
  readonly program: string;
  /** What `--router-args` says, for policies that are computed. */
  readonly policyOptions: PolicyOptions;
}

/** One thing to measure: a router in front of engines of its own, or a running server. */
export interface Candidate {
  readonly name: string;
  readonly own: boolean;
  /** Of one that is computed. */
  readonly fleet?: Run['fleet'];
  measure(setting: Setting): Promise<Measured>;
}

/** What the options ask to be measured. */
export function candidatesOf(options: BenchOptions, programs: Programs): readonly Candidate[] {
  if (options.url !== undefined) return [running(options.url, options)];
  return options.whatIf ? modelled(options.whatIf, options, programs) : simulated(options, programs);
}

function modelled(
  { workers, policies }: Question,
  options: BenchOptions,
  { policyOptions }: Programs,
): readonly Candidate[] {
  const { engineFlags } = options;
  return (policies.length > 0 ? policies : options.policies).flatMap((policy) =>
    (workers.length > 0 ? workers : [options.engines]).map((count) => ({
      name: `${count} ${count === 1 ? 'worker' : 'workers'}, ${policy}`,
      own: true,
      fleet: { workers: count, policy },
      measure: (setting) => measureModel({ workers: count, policy, policyOptions, engineFlags }, setting),
    })),
  );
}

function simulated(options: BenchOptions, { env, program }: Programs): readonly Candidate[] {
  const { engines, engineFlags } = options;
  const candidates = (contender: Contender, own: boolean): readonly Candidate[] =>
    options.routers.map((routers) => ({
      name: routers === 1 ? contender.name : `${contender.name} × ${routers}`,
      own,
      measure: (setting) => measureSimulated(contender, { program, engines, engineFlags, routers }, setting),
    }));
  return [
    ...options.policies.flatMap((policy) => candidates(ownRouter(program, policy, options.routerArgs), true)),
    ...chosenPeers(options, env).flatMap((peer) => candidates(peer, false)),
  ];
}

function chosenPeers({ peers }: BenchOptions, env: NodeJS.ProcessEnv): readonly Contender[] {
  if (peers === 'none') return [];
  const installed = installedPeers(env);
  const chosen =
    peers === 'all' ? installed : installed.filter(({ name }) => peers.some((one) => name.startsWith(one)));
  const missing = peers === 'all' ? [] : peers.filter((one) => !installed.some(({ name }) => name.startsWith(one)));
  if (chosen.length > 0 && missing.length === 0) return chosen;
  throw new ExitError('usage', `--peers: ${missing.join(', ') || 'none'} installed in ${peersFolder(env)}`, {
    hint: 'scripts/install-peers installs them',
  });
}

function running(url: string, { model, apiKey, flushCache }: BenchOptions): Candidate {
  return {
    name: url.replace('http://', ''),
    own: true,
    async measure(setting) {
      if (flushCache) await post(`${url}/flush_cache`, apiKey);
      return await measure({ urls: [url], apiKey, model: model ?? (await firstModel(url, apiKey)) }, setting);
    },
  };
}

async function firstModel(url: string, apiKey: string | undefined): Promise<string> {
  try {
    const response = await fetch(`${url}/v1/models`, { headers: keyHeader(apiKey) });
    const { data } = (await response.json()) as { data?: { id?: string }[] };
    return data?.[0]?.id ?? 'default';
  } catch (error) {
    const cause = (error as Error).cause ?? error;
    throw new ExitError('bench_failed', `${url} does not answer: ${(cause as Error).message}`);
  }
}

async function post(url: string, apiKey: string | undefined): Promise<void> {
  const response = await fetch(url, { method: 'POST', headers: keyHeader(apiKey) });
  if (!response.ok) throw new ExitError('bench_failed', `${url} answered ${response.status}: ${await response.text()}`);
}

function keyHeader(apiKey: string | undefined): Record<string, string> {
  return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
}
