import { type LaunchConfig, resolveServer } from '../config/launch.ts';
import type { Config } from '../config/options.ts';
import { inFlagsOfLaunch } from '../config/vocabulary.ts';
import { ExitError } from '../errors/errors.ts';
import type { Wish } from '../launch/control.ts';
import { type Engine, sglangEngine, simEngine } from '../launch/engine.ts';
import { explain, type Failure, toExitError } from '../launch/failure.ts';
import { Fleet, STOP_GRACE_MS } from '../launch/fleet.ts';
import { checkGpus, countableGpus, fillGpus, type Gpus } from '../launch/gpus.ts';
import { createLogFolder, removeOldLogFolders } from '../launch/log-folder.ts';
import { planServers, portsFor } from '../launch/plan.ts';
import { Presence } from '../launch/presence.ts';
import { createScreen, type Screen, type Terminal } from '../launch/screen.ts';
import type { Server } from '../launch/server.ts';
import { Supervisor } from '../launch/supervisor.ts';
import type { Log } from '../observe/log/log.ts';
import { type OpenLog, openLog } from '../observe/log/open.ts';
import type { Ports } from '../os/ports.ts';
import { type Router, startRouter } from '../router/router.ts';
import { parseSimOptions } from '../sim/parse-options.ts';
import { dryRun } from './dry-run.ts';
import { runUntilSignal } from './exit.ts';
import { launchView } from './launch-view.ts';
import { logOptions } from './log-options.ts';
import { nameProcess } from './process-name.ts';
import { rollingRestart } from './rolling-restart.ts';
import { planText, readyText } from './server-text.ts';
import { surviveErrors } from './survive.ts';

/** Servers that are stopped because another one did not start have nothing to finish. */
const FAILED_GRACE_MS = 500;
/** Not SIGHUP, which a terminal sends when it is closed: that ends the command, servers included. */
const ROLLING_RESTART_SIGNAL = 'SIGUSR2';

const LOG_DIR_FLAG = '--router-log-dir';

/** What the command runs with, so that tests can stand in for it. */
export interface Surroundings {
  readonly terminal: Terminal;
  /** The program that `sim-engine` is a command of. */
  readonly program: string;
}

/** `server`: starts SGLang servers and routes to them until a signal ends it. Resolves with the exit code. */
export async function runServer(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  surroundings: Surroundings = { terminal: process.stdout, program: process.argv[1] ?? '' },
): Promise<number> {
  const settings = await resolveServer(argv, env);
  const { config, launch, notices } = settings;
  if (launch.sim) parseSimOptions(launch.serverArgs);
  if (launch.dryRun) {
    const { terminal, program } = surroundings;
    return dryRun(settings, { env, program, write: (text) => terminal.write(text) });
  }
  const keys = [config.apiKey, launch.serverApiKey, ...config.controlPlaneApiKeys.map(({ key }) => key)];
  nameProcess(['server', ...argv], keys);
  const coLaunch = new CoLaunch(config, launch, env, surroundings);
  for (const notice of notices) coLaunch.log.warning(notice);
  surviveErrors(coLaunch.log);
  process.on(ROLLING_RESTART_SIGNAL, () => void coLaunch.restartAll());
  try {
    return await runUntilSignal({ drain: () => coLaunch.stop(), abort: () => coLaunch.kill() }, coLaunch.run());
  } finally {
    await coLaunch.close();
  }
}

/** Router and servers of one command, and the order in which they start and stop. */
class CoLaunch {
  readonly #opened: OpenLog;
  readonly #config: Config;
  #launch: LaunchConfig;
  readonly #env: NodeJS.ProcessEnv;
  readonly #surroundings: Surroundings;
  readonly #up = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<never>();
  readonly #supervisor: Supervisor;
  /** Servers that are not started again. */
  readonly #down = new Set<Server>();
  /** Counted before for `--dp-size auto`. */
  #gpus: Promise<Gpus | undefined> | undefined;
  #router: Router | undefined;
  #fleet: Fleet | undefined;
  #presence: Presence | undefined;
  #screen: Screen | undefined;
  #serving = false;
  #rolling = false;
  #stopping = false;

  constructor(config: Config, launch: LaunchConfig, env: NodeJS.ProcessEnv, surroundings: Surroundings) {
    this.#config = config;
    this.#launch = launch;
    this.#env = env;
    this.#surroundings = surroundings;
    this.#opened = openLog(
      logOptions(config, {
        env,
        console: {
          isTTY: surroundings.terminal.isTTY,
          get writableLength() {
            return process.stderr.writableLength;
          },
          write: (text) => this.#writeLog(text),
        },
        dirFlag: LOG_DIR_FLAG,
        keys: [launch.serverApiKey],
      }),
    );
    this.#supervisor = new Supervisor(launch.workerRestarts);
  }

  get log(): Log {
    return this.#opened.log;
  }

  get fleet(): Fleet | undefined {
    return this.#fleet;
  }

  get rolling(): boolean {
    return this.#rolling;
  }

  /** It serves, and does not stop. */
  get settled(): boolean {
    return this.#serving && !this.#stopping;
  }

  /** Writes what waits. */
  close(): Promise<void> {
    this.#presence?.close();
    return this.#opened.close();
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
      await Promise.race([this.#up.promise, this.#over.promise]);
      this.#serve(router, fleet);
      return await this.#over.promise;
    } catch (error) {
      this.#supervisor.close();
      this.#screen?.close();
      await this.#fleet?.stop(FAILED_GRACE_MS);
      await this.#router?.close();
      throw error;
    }
  }

  /** Lets requests in flight finish, then stops the servers. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#supervisor.close();
    this.#screen?.close();
    const grace = this.#config.shutdownGracePeriodMs;
    this.#say(
      `stopping: up to ${grace / 1000} s for requests in flight, then the servers; once more to stop at once\n`,
    );
    const cut = (await this.#router?.drain(grace)) ?? 0;
    if (cut > 0) this.log.warning('requests cut off by the end of the grace period', { requests: cut });
    const left = (await this.#fleet?.stop()) ?? [];
    if (left.length > 0) this.log.error('processes that cannot be ended', { pids: left.join(' ') });
    await this.#router?.close();
  }

  /** Ends everything at once. */
  async kill(): Promise<void> {
    this.#stopping = true;
    this.#supervisor.close();
    await this.#fleet?.kill();
  }

  /** Starts servers again, one after the other, while the others serve. Resolves with what went wrong, if anything. */
  async restart({ servers: names, force }: Wish, tell: (line: string) => void): Promise<string | undefined> {
    const [router, fleet] = [this.#router, this.#fleet];
    if (!router || !fleet || !this.settled || this.#rolling) {
      const problem = 'no rolling restart now: the servers are starting, stopping or restarting already';
      this.log.warning(problem);
      return problem;
    }
    this.#rolling = true;
    try {
      const problem = await rollingRestart(
        fleet.servers,
        { names, force },
        {
          tell: (line) => {
            this.log.info(line);
            tell(line);
          },
          drain: ({ url }) => router.registry.remove(url, this.#config.shutdownGracePeriodMs),
          restart: async (server) => {
            // It may have been given up before.
            this.#down.delete(server);
            await this.#supervisor.restart(server, STOP_GRACE_MS);
            return this.#comesUp(fleet, server);
          },
        },
      );
      if (problem !== undefined) this.log.error(problem);
      return problem;
    } finally {
      this.#rolling = false;
    }
  }

  /** The same of all servers, asked for by a signal: nobody waits for the answer. */
  async restartAll(): Promise<void> {
    await this.restart({ wish: 'restart', servers: [], force: false }, () => {});
  }

  /** Before the servers, so that a port that is taken shows at once; whoever asks meanwhile is told how far the start is. */
  async #openPort(): Promise<Router> {
    const { regular, prefill, decode } = this.#launch.servers;
    const router = await startRouter(this.#config, this.#opened, regular + prefill + decode).catch((error: unknown) => {
      if (!(error instanceof ExitError)) throw error;
      const hint = error.hint && inFlagsOfLaunch(error.hint);
      // Who holds a port is told with the flags that it was started with.
      const message = error.code === 'usage' ? inFlagsOfLaunch(error.message) : error.message;
      throw new ExitError(error.code, message, { hint, cause: error });
    });
    this.#router = router;
    if (router.unreachable !== undefined) this.log.warning(router.unreachable);
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
      ? [simEngine(this.#surroundings.program)]
      : await Promise.all([sglangEngine(this.#env), this.#checkGpus()]);
    const logFolder = createLogFolder(this.#config.logDir);
    void removeOldLogFolders();
    const fleet = await Fleet.create(planServers(this.#launch, engine), {
      ports,
      logFolder,
      startupTimeoutMs: this.#config.workerStartupTimeoutMs,
      log: this.log,
    });
    this.#fleet = fleet;
    this.#announce(engine, fleet, logFolder);
    this.#presence = new Presence({
      ...{ url: this.#router?.url ?? '', logFolder, fleet, log: this.log },
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

  #announce(engine: Engine, { servers }: Fleet, logFolder: string): void {
    const { url = '', networkUrls = [] } = this.#router ?? {};
    const { maxConcurrentRequests } = this.#config;
    const text = planText({
      ...{ url, networkUrls, engine, servers, logFolder },
      launch: this.#launch,
      maxConcurrentRequests,
    });
    this.#surroundings.terminal.write(text);
    this.#screen = createScreen(this.#surroundings.terminal, servers, this.#env);
  }

  #connect(router: Router, fleet: Fleet): void {
    const { registry } = router;
    fleet.on('moved', ({ url }, lostUrl) => {
      this.log.warning('another program took the port, started again on the next', { lost: lostUrl, now: url });
      void registry.remove(lostUrl, 0);
    });
    fleet.on('started', ({ url, plan }) => {
      registry.add({ url, role: plan.role, apiKey: this.#launch.serverApiKey, source: 'launch' });
      registry.revive(url);
    });
    fleet.on('changed', (server) => this.#screen?.changed(server));
    fleet.on('output', (server, lines) => this.#screen?.output(server, lines));
    fleet.on('warm', ({ url }) => registry.get(url)?.poke());
    fleet.on('failed', (server, failure) => this.#failed(server, failure));
    registry.on('change', ({ url, state }) => {
      if (state.kind === 'ready') void this.#ready(fleet, url);
    });
  }

  async #ready(fleet: Fleet, url: string): Promise<void> {
    await fleet.servers.find((server) => server.url === url)?.answered();
    this.#closeBoard(fleet);
    const perRole = Map.groupBy(fleet.servers, ({ plan }) => plan.role).values();
    const enough = (servers: Server[]) =>
      this.#launch.serveWhen === 'first' ? servers.some(isReady) : servers.every(isReady);
    if (perRole.every(enough)) this.#up.resolve();
  }

  #serve(router: Router, fleet: Fleet): void {
    this.#serving = true;
    router.release();
    const ready = fleet.servers.filter(isReady).map(({ url }) => url);
    this.#say(
      readyText({
        url: router.url,
        workers: ready,
        of: fleet.servers.length,
        elapsedMs: performance.now(),
        keyNeeded: this.#config.apiKey !== undefined,
      }),
    );
  }

  /** While nothing is served yet one server that fails ends the launch; later it is started again, and the others go on. */
  #failed(server: Server, failure: Failure): void {
    if (!this.#serving) {
      this.#over.reject(toExitError(failure));
      return;
    }
    this.#router?.registry.fail(server.url, failure.text);
    if (this.#fleet) this.#closeBoard(this.#fleet);
    const planned = this.#supervisor.ended(server);
    if (planned) {
      const { workerRestarts } = this.#launch;
      const restart = `restart ${planned.number} of ${workerRestarts} in ${planned.waitMs / 1000} s`;
      this.log.warning(`${failure.text}; ${restart}; its log: ${failure.logPath}`);
    } else this.#giveUp(server, failure);
  }

  /** Without a server of its role, launched or not, nothing can be served. */
  #giveUp(server: Server, failure: Failure): void {
    const { role } = server.plan;
    this.#down.add(server);
    const all = this.#launch.servers[role];
    const others = all - [...this.#down].filter(({ plan }) => plan.role === role).length;
    const workers = this.#router?.registry.workers ?? [];
    const elsewhere = workers.filter((worker) => worker.role === role && worker.spec.source !== 'launch').length;
    if (others + elsewhere === 0) {
      this.#over.reject(toExitError(failure));
      return;
    }
    const servers = `${others} of ${all} ${role === 'regular' ? '' : `${role} `}servers`;
    const outlook = `it is not started again; ${servers}${elsewhere > 0 ? ` and ${elsewhere} other workers` : ''} go on`;
    this.log.error(`${explain(failure)}\n  ${outlook}`);
  }

  /** Resolves when a server that starts is ready, or false when it never will be. */
  #comesUp(fleet: Fleet, server: Server): Promise<boolean> {
    return new Promise((resolve) => {
      const look = () => {
        if (!server.ready && !this.#down.has(server)) return;
        fleet.off('changed', look).off('failed', look);
        resolve(server.ready);
      };
      fleet.on('changed', look).on('failed', look);
      look();
    });
  }

  #closeBoard({ servers }: Fleet): void {
    if (servers.every(({ ready, over }) => ready || over)) this.#screen?.close();
  }

  #say(text: string): void {
    if (this.#screen) this.#screen.print(text);
    else this.#surroundings.terminal.write(text);
  }

  /** A log line in the middle of the board would be torn: on a terminal it goes above. */
  #writeLog(line: string): void {
    if (this.#surroundings.terminal.isTTY && this.#screen) this.#screen.print(line);
    else process.stderr.write(line);
  }
}

function isReady(server: Server): boolean {
  return server.ready;
}
