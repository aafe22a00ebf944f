import { redacting } from '../../observe/log/redact.ts';
import { duration } from '../../terminal/duration.ts';
import { describePhase } from '../phases.ts';
import type { Server } from '../server.ts';
import { bannerText, type Serving } from './banner.ts';
import { PhaseChanges } from './phase-changes.ts';
import { type Plan, placeOfServer, planText } from './plan.ts';
import type { Screen, ScreenDeps } from './screen.ts';
import { ShownOutput } from './shown-output.ts';

/** On a terminal whose cursor cannot be moved: a line for each change. */
export class LinesScreen implements Screen {
  readonly #deps: ScreenDeps;
  readonly #output: ShownOutput;
  readonly #printOutput: (text: string) => void;
  readonly #phases = new PhaseChanges();

  constructor(deps: ScreenDeps) {
    this.#deps = deps;
    this.#output = new ShownOutput(deps.terminal, deps.output);
    this.#printOutput = redacting(deps.secrets, (text) => this.print(text));
  }

  plan(plan: Plan): void {
    const rows = plan.servers.map((server) => `${server.plan.name}  ${placeOfServer(server, plan.onGpus)}\n`);
    this.print(`${planText(plan, this.#deps.paint)}${rows.join('')}`);
  }

  changed(server: Server): void {
    if (!this.#phases.isNew(server)) return;
    this.print(`${server.plan.name} ${describePhase(server.phase)} (${duration(server.elapsedMs)})\n`);
  }

  note(): void {}

  output(server: Server, lines: readonly string[]): void {
    const shown = this.#output.take(server, lines).map(({ text }) => `${server.plan.name} | ${text}\n`);
    if (shown.length > 0) this.#printOutput(shown.join(''));
  }

  serving(serving: Serving): void {
    this.print(bannerText(serving, this.#deps.paint));
  }

  ending(): void {}

  print(text: string): void {
    this.#deps.terminal.write(text);
  }

  close(): void {}
}
