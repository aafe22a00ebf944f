import { describePhase } from '../phases.ts';
import type { Server } from '../server.ts';
import { limitOf, readyText, type Serving } from './banner.ts';
import { PhaseChanges } from './phase-changes.ts';
import { type Plan, placeOfServer, planTitle } from './plan.ts';
import type { Screen, ScreenDeps } from './screen.ts';
import { ShownOutput } from './shown-output.ts';

/** Where there is no terminal: everything is a line of the log, so that there is one format to read. */
export class LogScreen implements Screen {
  readonly #deps: ScreenDeps;
  readonly #output: ShownOutput;
  readonly #phases = new PhaseChanges();

  constructor(deps: ScreenDeps) {
    this.#deps = deps;
    this.#output = new ShownOutput(deps.terminal, deps.output);
  }

  plan(plan: Plan): void {
    const { log } = this.#deps;
    log.info(planTitle(plan), { engine: plan.engine.label, logs: plan.logFolder });
    for (const server of plan.servers) {
      log.info(`${server.plan.name} is started on ${placeOfServer(server, plan.onGpus)}`);
    }
  }

  changed(server: Server): void {
    if (!this.#phases.isNew(server)) return;
    const secs = Math.round(server.elapsedMs / 100) / 10;
    this.#deps.log.info(`${server.plan.name} ${describePhase(server.phase)}`, { secs });
  }

  note(): void {}

  output(server: Server, lines: readonly string[]): void {
    const { log } = this.#deps;
    for (const { text, importance } of this.#output.take(server, lines)) {
      log[importance ?? 'info'](`${server.plan.name} | ${text}`);
    }
  }

  serving(serving: Serving): void {
    const { url, networkUrls, model, dashboardUrl, logFolder: logs, pid } = serving;
    const network = networkUrls.length === 0 ? undefined : networkUrls.join(' ');
    const about = { network, model, limit: limitOf(serving), dashboard: dashboardUrl, logs, pid };
    this.#deps.log.info(`${readyText(serving)} behind ${url}`, about);
  }

  ending(): void {}

  print(text: string): void {
    this.#deps.terminal.write(text);
  }

  close(): void {}
}
