import type { ServerSettings } from '../config/launch.ts';
import { routerPortError } from '../doctor/ports.ts';
import { checkSglang, simEngine, uncheckedSglang } from '../launch/engine.ts';
import { checkGpus, countableGpus, fillGpus } from '../launch/gpus.ts';
import { planServers, portsFor } from '../launch/plan.ts';
import { takePorts } from '../launch/server-ports.ts';
import { dryRunText, type PlannedServer } from './dry-run-text.ts';

interface DryRunParts {
  readonly env: NodeJS.ProcessEnv;
  /** The program that `sim-engine` is a command of. */
  readonly program: string;
  readonly write: (text: string) => void;
}

/**
 * `server --dry-run`: prints what the same command line would start now, and starts nothing. What would stop it is
 * found as the real start finds it, and thrown once the plan is printed.
 */
export async function dryRun(settings: ServerSettings, { env, program, write }: DryRunParts): Promise<number> {
  const { config, notices } = settings;
  const gpus = await countableGpus(settings.launch, env);
  const launch = fillGpus(settings.launch, gpus);
  const ports = await portsFor(launch);
  const engine = launch.sim ? simEngine(program) : uncheckedSglang(env);
  const servers: PlannedServer[] = [];
  for (const plan of planServers(launch, engine)) servers.push({ plan, ...(await takePorts(plan, ports)) });
  write(dryRunText({ config, launch, notices, settings: settings.settings, engine, gpus, servers }));
  if (gpus) checkGpus(launch, gpus);
  if (!launch.sim) await checkSglang(engine.file);
  const taken = await routerPortError(config);
  if (taken) throw taken;
  return 0;
}
