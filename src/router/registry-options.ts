import type { Config } from '../config/options.ts';
import type { RegistryOptions } from '../fleet/registry.ts';
import { createClient } from '../http/upstream/create-client.ts';
import { readWorkerTls } from '../http/upstream/worker-tls.ts';

/** Turns the configuration into the registry's options. */
export function registryOptions(config: Config): RegistryOptions {
  const tls = readWorkerTls(config);
  return {
    dpAware: config.dpAware,
    outliers: {
      enabled: !config.disableOutlierDetection,
      compares: !config.disableRetries && config.retryMaxRetries > 0,
    },
    // A server that we started is on our own loopback interface, with a certificate for some other name.
    createClient: (origin, { source }) =>
      createClient(origin, source === 'launch' ? { ...tls, rejectUnauthorized: false } : tls),
    health: {
      path: config.healthCheckEndpoint,
      intervalMs: config.healthCheckIntervalMs,
      timeoutMs: config.healthCheckTimeoutMs,
      failureThreshold: config.healthFailureThreshold,
      successThreshold: config.healthSuccessThreshold,
      disabled: config.disableHealthCheck,
      startupIntervalMs: config.workerStartupCheckIntervalMs,
      overdueMs: config.workerStartupTimeoutMs,
    },
    breaker: {
      failureThreshold: config.disableCircuitBreaker ? Number.POSITIVE_INFINITY : config.cbFailureThreshold,
      successThreshold: config.cbSuccessThreshold,
      timeoutMs: config.cbTimeoutDurationMs,
      windowMs: config.cbWindowDurationMs,
    },
  };
}
