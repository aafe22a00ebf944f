import type { Launch } from '../dashboard/launch.ts';
import type { Fleet } from '../launch/fleet.ts';
import type { Server } from '../launch/server.ts';
import { hasStandIn } from './rolling-restart.ts';

/** How a launch stands. */
interface Standing {
  readonly fleet: Fleet | undefined;
  /** Its servers are being started again, one after the other. */
  readonly rolling: boolean;
  /** It serves, and does not stop. */
  readonly settled: boolean;
  restartAll(): Promise<void>;
}

/** A launch as the dashboard shows it. */
export function launchView(standing: Standing): Launch {
  return {
    servers: () => standing.fleet?.servers.map(viewOf) ?? [],
    get rollingRestart() {
      if (standing.rolling) return 'running';
      const servers = standing.fleet?.servers ?? [];
      const isPossible = standing.settled && servers.some((server) => server.ready && hasStandIn(server, servers));
      return isPossible ? 'possible' : 'not possible';
    },
    restartAll: () => standing.restartAll(),
  };
}

function viewOf({ plan, url, ready, over, phase, share, elapsedMs, starts }: Server) {
  const state = ready ? 'ready' : over ? 'ended' : 'starting';
  const elapsedSecs = Math.round(elapsedMs / 100) / 10;
  return {
    name: plan.name,
    url,
    state,
    phase: phase.name,
    progress: phase.progress ?? null,
    share,
    elapsedSecs,
    starts,
  } as const;
}
