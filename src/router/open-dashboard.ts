import manifest from '../../package.json' with { type: 'json' };
import type { Additions } from '../api/additions.ts';
import { standingOf } from '../api/standing.ts';
import { Dashboard } from '../dashboard/dashboard.ts';
import { Decisions } from '../dashboard/decisions.ts';
import type { Facts } from '../dashboard/facts.ts';
import type { ServedModels } from '../fleet/served-models.ts';
import type { Authorize } from '../http/auth.ts';
import type { Observer } from '../observe/observer.ts';
import type { Routing } from './routing.ts';

/** What the dashboard reads. */
interface DashboardParts extends Pick<Facts, 'registry' | 'inFlight' | 'queued' | 'connections' | 'closed' | 'launch'> {
  readonly observer: Observer;
  readonly authorize: Authorize;
  readonly policies: Routing['policies'];
  readonly models: ServedModels;
  readonly additions: Additions;
}

/** Opens a router's dashboard and its listener for choices. */
export function openDashboard({
  observer,
  authorize,
  policies,
  models,
  additions,
  ...sources
}: DashboardParts): Dashboard {
  const decisions = new Decisions();
  observer.listen(decisions);
  const facts: Facts = {
    ...sources,
    version: manifest.version,
    families: observer.metrics.families,
    policies: new Map(Array.from(policies, ([role, { name }]) => [role, name])),
    problemOf: (worker) => standingOf(worker, { unserved: (each) => models.unserved(each) })?.problem,
    failedAdditions: () => additions.allFailed,
  };
  return new Dashboard(facts, decisions, authorize);
}
