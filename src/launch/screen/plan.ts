import type { Paint } from '../../terminal/kind.ts';
import type { Engine } from '../engine.ts';
import { describeGpus, SERVER_HOST } from '../plan.ts';
import type { Server } from '../server.ts';

/** What is about to be started. */
export interface Plan {
  /** Where it will be served. */
  readonly url: string;
  readonly engine: Engine;
  readonly servers: readonly Server[];
  /** As it was given; undefined where the servers' own file names it. */
  readonly model: string | undefined;
  readonly onGpus: boolean;
  readonly logFolder: string;
}

/** `4 servers of Qwen/Qwen3-8B behind http://127.0.0.1:30000`. */
export function planTitle({ url, engine, servers, model }: Plan): string {
  const count = `${servers.length} ${servers.length === 1 ? 'server' : 'servers'}`;
  const what = engine.kind === 'sim' ? count : `${count} of ${model ?? 'the model in the server config'}`;
  return `${what} behind ${url}`;
}

/** The first lines of a launch. */
export function planText(plan: Plan, paint: Paint): string {
  const dim = (text: string) => paint('dim', text);
  return [paint('bold', planTitle(plan)), `${dim(plan.engine.label)}`, `${dim(`logs  ${plan.logFolder}`)}`, ''].join(
    '\n',
  );
}

/** `127.0.0.1:31000, GPU 0`. */
export function placeOfServer({ plan, port, bootstrapPort }: Server, onGpus: boolean): string {
  const bootstrap = bootstrapPort === undefined ? '' : `, bootstrap port ${bootstrapPort}`;
  return `${SERVER_HOST}:${port}${bootstrap}${onGpus ? `, ${describeGpus(plan.gpus)}` : ''}`;
}
