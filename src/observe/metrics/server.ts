import { ExitError } from '../../errors/errors.ts';
import { type HttpServer, listen } from '../../http/edge/http-server.ts';
import type { IncomingRequest } from '../../http/edge/incoming-request.ts';
import type { Reply } from '../../http/edge/reply.ts';
import { sendText } from '../../http/respond.ts';
import type { Log } from '../log/log.ts';
import type { Metrics } from './metrics.ts';

/** Of `--prometheus-port`. A second router on a machine finds it taken, and serves all the same. */
export const DEFAULT_METRICS_PORT = 29_000;

/** So few that silent ones take no files from the clients of the main port, whose limit does not know of them. */
const LIMITS = {
  ...{ maxConnections: 24, maxRefused: 8 },
  whyFull: 'the port for metrics has 24 connections at once; /metrics is on the main port too',
};

const PATHS: ReadonlySet<string> = new Set(['/metrics', '/']);

/**
 * Serves `/metrics` on a port of its own. Where the default port is taken it warns and resolves with undefined; throws an
 * ExitError `port_in_use` where the user has chosen the port.
 */
export async function serveMetrics(
  metrics: Metrics,
  address: { readonly host: string; readonly port: number },
  log: Log,
): Promise<HttpServer | undefined> {
  try {
    const { host, port } = address;
    return await listen(host, port, (request, response) => answer(metrics, request, response), { log, limits: LIMITS });
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    const taken = error.code === 'port_in_use';
    if (!taken || address.port !== DEFAULT_METRICS_PORT) {
      const hint = 'choose another --prometheus-host or --prometheus-port';
      throw new ExitError(taken ? 'port_in_use' : 'usage', `metrics: ${error.message}`, { hint, cause: error });
    }
    log.warning('metrics are on the main port alone; choose another --prometheus-port', { problem: error.message });
    return undefined;
  }
}

/** Answers with all metrics as text. */
export async function answerMetrics(metrics: Metrics, reply: Reply): Promise<void> {
  reply.send(200, metrics.contentType, await metrics.scrape());
}

async function answer(metrics: Metrics, request: IncomingRequest, reply: Reply): Promise<void> {
  const [path = ''] = request.url.split('?', 1);
  if (!PATHS.has(path)) sendText(reply, 404, 'expected GET /metrics\n');
  else if (request.method !== 'GET' && request.method !== 'HEAD') sendText(reply, 405, 'expected GET\n');
  else await answerMetrics(metrics, reply);
}
