import { on } from 'node:events';
import type { BreakerOptions } from '../../src/fleet/breaker.ts';
import type { Clock } from '../../src/fleet/clock.ts';
import type { OutlierOptions } from '../../src/fleet/conducts.ts';
import type { HealthOptions } from '../../src/fleet/health.ts';
import { Registry } from '../../src/fleet/registry.ts';
import { Slots } from '../../src/fleet/slots.ts';
import { createLog } from '../../src/observe/log/log.ts';

export const HEALTH: HealthOptions = {
  path: '/health',
  intervalMs: 10_000,
  timeoutMs: 1_000,
  failureThreshold: 3,
  successThreshold: 2,
  disabled: false,
  startupIntervalMs: 1_000,
  overdueMs: 60_000,
};

export const BREAKER: BreakerOptions = {
  failureThreshold: 3,
  successThreshold: 2,
  timeoutMs: 30_000,
  windowMs: 60_000,
};

export interface TestRegistry extends AsyncDisposable {
  readonly workers: Registry;
  readonly slots: Slots;
  /** Of the log, from `info` on. */
  readonly lines: string[];
  /** Events, as `name url`, but for `change`. */
  readonly events: string[];
}

/** A registry of its own, on the machine's clock unless another is given. */
export function testRegistry(
  health: Partial<HealthOptions> = {},
  breaker: Partial<BreakerOptions> = {},
  clock?: Clock,
  dpAware = false,
  outliers: OutlierOptions = { enabled: true, compares: true },
): TestRegistry {
  const lines: string[] = [];
  const events: string[] = [];
  const slots = new Slots();
  const log = createLog('info', (line) => lines.push(line));
  const options = { health: { ...HEALTH, ...health }, breaker: { ...BREAKER, ...breaker }, dpAware, outliers };
  const workers = new Registry(slots, options, log, clock);
  const available = new Set<string>();
  workers.on('change', ({ url, available: isAvailable }) => {
    if (isAvailable === available.has(url)) return;
    if (isAvailable) available.add(url);
    else available.delete(url);
    events.push(`${isAvailable ? 'available' : 'unavailable'} ${url}`);
  });
  for (const name of ['lost', 'learned', 'remove'] as const) {
    workers.on(name, ({ url }) => events.push(`${name} ${url}`));
  }
  return { workers, slots, lines, events, [Symbol.asyncDispose]: () => workers.close() };
}

/** Resolves when a worker becomes one that may receive traffic. */
export async function whenAvailable(workers: Registry): Promise<void> {
  const before = new Set(workers.workers.filter(({ available }) => available));
  for await (const [worker] of on(workers, 'change')) {
    if (worker.available && !before.has(worker)) return;
    if (!worker.available) before.delete(worker);
  }
}
