import type { LaunchConfig } from '../config/launch.ts';
import type { Config } from '../config/options.ts';
import type { Wish } from '../launch/control.ts';
import { type Engine, sglangEngine, simEngine } from '../launch/engine.ts';
import type { Failure } from '../launch/failure.ts';
import { Fleet } from '../launch/fleet.ts';
import { checkGpus, countableGpus, fillGpus, type Gpus } from '../launch/gpus.ts';
import { createLogFolder, removeOldLogFolders } from '../launch/log-folder.ts';
import { planServers, portsFor } from '../launch/plan.ts';
import { Presence } from '../launch/presence.ts';
import { readyLine } from '../launch/screen/banner.ts';
import type { Screen } from '../launch/screen/screen.ts';
import type { Server } from '../launch/server.ts';
import { StartTimes, startTimesPath } from '../launch/start-times.ts';
import type { Log } from '../observe/log/log.ts';
import type { Ports } from '../os/ports.ts';
import type { Router } from '../router/router.ts';
import { warmUpBeside } from '../router/warm-up.ts';
import { Ending } from './ending.ts';
import { InService } from './in-service.ts';
import { LaunchConsole, type Outputs } from './launch-console.ts';
import { startLaunchRouter } from './launch-router.ts';
import { launchView } from './launch-view.ts';
import { Restarts } from './restarts.ts';
import { servingOf } from './serving.ts';

/** Servers that are stopped because another one did not start have nothing to finish. */
const FAILED_GRACE_MS = 500;

/** What the command runs with, so that tests can stand in for it. */
export interface CoLaunchParts extends Outputs {
  /** The program that `sim-engine` is a command of. */
  readonly program: string;
}

/** Router and servers of one command, and the order in which they start and stop. */
export class CoLaunch {
  readonly #console: LaunchConsole;
  readonly #screen: Screen;
  readonly #config: Config;
  #launch: LaunchConfig;
  readonly #env: NodeJS.ProcessEnv;
  readonly #parts: CoLaunchParts;
  readonly #up = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<never>();
  readonly #restarts: Restarts;
  /** Servers that requests may go to. */
  readonly #inService: InService;
  /** Counted before for `--dp-size auto`. */
  #gpus: Promise<Gpus | undefined> | undefined;
  #router: Router | undefined;
  #fleet: Fleet | undefined;
  #presence: Presence | undefined;
  #times: StartTimes | undefined;
  #logFolder = '';
  #serving = false;
  #stopping = false;
  #killed = false;

  constructor(config: Config, launch: LaunchConfig, env: NodeJS.ProcessEnv, parts: CoLaunchParts) {
    this.#config = config;
    this.#launch = launch;
    this.#env = env;
    this.#parts = parts;
    this.#console = new LaunchConsole(config, launch, env, {
      outputs: parts,
      nameOf: (url) => this.#fleet?.servers.find((server) => server.url === url)?.plan.name,
    });
    this.#screen = this.#console.screen;
    this.#inService = new InService(() => this.#fleet?.servers.length ?? 0, this.log);
    this.#restarts = new Restarts({
      screen: this.#screen,
      log: this.log,
      inService: this.#inService,
      workerRestarts: launch.workerRestarts,
      graceMs: config.shutdownGracePeriodMs,
    });
  }

  get log(): Log {
    return this.#console.log;
  }

  get fleet(): Fleet | undefined {
    return this.#fleet;
  }

  get rolling(): boolean {
    return this.#restarts.rolling;
  }

  /** It serves, and does not stop. */
  get settled(): boolean {
    return this.#serving && !this.#stopping;
  }

  /** Whoever reads the log reads JSON. */
  get logsJson(): boolean {
    return this.#console.opened.format === 'json';
  }

  /** Writes what waits. */
  close(): Promise<void> {
    this.#presence?.close();
    return this.#console.opened.close();
  }

  /** Starts everything and runs until the last server is gone; throws an ExitError then, as when it does not come up. */
  async run(): Promise<number> {
    try {
      await this.#countServers();
      const ports = await portsFor(this.#launch);
      const router = await this.#openPort();
      const fleet = await this.#prepare(ports);
      if (this.#stopping) return 0;
      this.#connect(router, fleet);
      fleet.start();
      void warmUpBeside(router, this.#config, this.log);
      await Promise.race([this.#up.promise, this.#over.promise]);
      this.#serve(router, fleet);
      return await this.#over.promise;
    } catch (error) {
      this.#restarts.close();
      this.#screen.close();
      await this.#fleet?.stop(FAILED_GRACE_MS);
      await this.#router?.close();
      throw error;
    }
  }

  /** Lets requests in flight finish, then stops the servers. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#restarts.close();
    const ending = new Ending(this.#screen, this.log);
    if (this.#router) await ending.drain(this.#router, this.#config.shutdownGracePeriodMs);
    // Their end is no news.
    for (const { url } of this.#fleet?.servers ?? []) this.#router?.registry.fail(url, 'it is stopped');
    if (this.#fleet) await ending.stop(this.#fleet);
    await this.#router?.close();
    if (this.#killed) return;
    this.#screen.close();
    this.log.info('stopped');
  }

  /** Ends everything at once. */
  async kill(): Promise<void> {
    this.#stopping = true;
    this.#killed = true;
    this.#restarts.close();
    this.#screen.close();
    const cut = this.#router?.serving ?? 0;
    await this.#fleet?.kill();
    this.log.warning('stopped at once', { requestsCutOff: cut });
  }

  /** Starts servers again, one after the other, while the others serve. Resolves with what went wrong, if anything. */
  async restart(wish: Wish, tell: (line: string) => void): Promise<string | undefined> {
    const [router, fleet] = [this.#router, this.#fleet];
    if (!router || !fleet || !this.settled || this.rolling) {
      const problem = 'no rolling restart now: the servers are starting, stopping or restarting already';
      this.log.warning(problem);
      return problem;
    }
    return this.#restarts.roll(wish, router, fleet, tell);
  }

  /** The same of all servers, asked for by a signal: nobody waits for the answer. */
  async restartAll(): Promise<void> {
    await this.restart({ wish: 'restart', servers: [], force: false }, () => {});
  }

  /** Before the servers, so that a port that is taken shows at once; whoever asks meanwhile is told how far the start is. */
  async #openPort(): Promise<Router> {
    const router = await startLaunchRouter(this.#config, this.#console.opened, this.#launch);
    this.#router = router;
    for (const warning of router.warnings) this.log.warning(warning);
    router.hold(() => ({ servers: this.#fleet?.progress() ?? [] }));
    router.show(launchView(this));
    return router;
  }

  /** Of `--dp-size auto`. */
  async #countServers(): Promise<void> {
    if (Number.isFinite(this.#launch.servers.regular)) return;
    this.#gpus = countableGpus(this.#launch, this.#env);
    this.#launch = fillGpus(this.#launch, await this.#gpus);
  }

  async #prepare(ports: Ports): Promise<Fleet> {
    const { sim } = this.#launch;
    const [engine] = sim
      ? [simEngine(this.#parts.program)]
      : await Promise.all([sglangEngine(this.#env), this.#checkGpus()]);
    this.#logFolder = createLogFolder(this.#config.logDir);
    void removeOldLogFolders();
    const fleet = await Fleet.create(planServers(this.#launch, engine), {
      ports,
      logFolder: this.#logFolder,
      startupTimeoutMs: this.#config.workerStartupTimeoutMs,
      log: this.log,
    });
    this.#fleet = fleet;
    this.#announce(engine, fleet);
    this.#presence = new Presence({
      ...{ url: this.#router?.url ?? '', logFolder: this.#logFolder, fleet, log: this.log },
      fulfil: (wish, tell) => this.restart(wish, tell),
    });
    void this.#presence.open();
    return fleet;
  }

  /** Servers beyond the GPUs would load for a minute and fail then. */
  async #checkGpus(): Promise<void> {
    const gpus = await (this.#gpus ?? countableGpus(this.#launch, this.#env));
    if (gpus) checkGpus(this.#launch, gpus);
  }

  #announce(engine: Engine, { servers }: Fleet): void {
    const { modelPath: model, gpu } = this.#launch;
    this.#times = new StartTimes(startTimesPath(this.#env), `${engine.kind} ${model} ${gpu.perServer}`);
    const onGpus = engine.kind === 'sglang' && this.#launch.device !== 'cpu';
    const url = this.#router?.url ?? '';
    this.#screen.plan({ url, engine, servers, model, onGpus, logFolder: this.#logFolder }, this.#times);
  }

  #connect(router: Router, fleet: Fleet): void {
    const { registry } = router;
    fleet.on('moved', ({ url }, lostUrl) => {
      this.log.warning('another program took the port, started again on the next', { lost: lostUrl, now: url });
      void registry.remove(lostUrl, 0);
    });
    fleet.on('started', (server) => {
      const { url, plan } = server;
      this.#screen.note(server, undefined);
      registry.add({ url, role: plan.role, apiKey: this.#launch.serverApiKey, source: 'launch' });
      registry.revive(url);
    });
    fleet.on('changed', (server) => {
      if (server.ready) this.#times?.add(server.progress.times);
      this.#screen.changed(server);
    });
    fleet.on('output', (server, lines) => this.#screen.output(server, lines));
    fleet.on('warm', ({ url }) => registry.get(url)?.poke());
    fleet.on('failed', (server, failure) => this.#failed(server, failure));
    registry.on('change', ({ url, state }) => {
      const server = fleet.servers.find((one) => one.url === url);
      if (server === undefined) return;
      if (state.kind === 'ready') void this.#ready(fleet, server);
      else this.#inService.leave(server);
    });
  }

  async #ready(fleet: Fleet, server: Server): Promise<void> {
    const started = !server.ready;
    await server.answered();
    if (!server.ready) return;
    this.#inService.join(server, started);
    const perRole = Map.groupBy(fleet.servers, ({ plan }) => plan.role).values();
    const enough = (servers: Server[]) =>
      this.#launch.serveWhen === 'first' ? servers.some(isReady) : servers.every(isReady);
    if (perRole.every(enough)) this.#up.resolve();
  }

  #serve(router: Router, fleet: Fleet): void {
    this.#serving = true;
    router.release();
    const [config, launch, logFolder] = [this.#config, this.#launch, this.#logFolder];
    const serving = servingOf(router, fleet.servers, { config, launch, logFolder });
    this.#screen.serving(serving);
    this.#inService.tell();
    if (this.#launch.readyJson || !this.#console.isTerminal) this.#screen.print(readyLine(serving));
  }

  /** While nothing is served yet one server that fails ends the launch; later it is started again, and the others go on. */
  #failed(server: Server, failure: Failure): void {
    const [router, fleet] = [this.#router, this.#fleet];
    const goesOn = this.#serving && router && fleet && this.#restarts.ended(server, failure, router, fleet);
    if (!goesOn) this.#over.reject(this.#console.exitError(failure));
  }
}

function isReady(server: Server): boolean {
  return server.ready;
}
