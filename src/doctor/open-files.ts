import { openFilesLimit, RAISE_OPEN_FILES as raise } from '../os/open-files.ts';
import { type Finding, ok, problem, type Subject, warning } from './check.ts';

/** Libraries, log files, listeners, health checks. */
const OF_THE_ROUTER = 128;
/** Its pipes and its log, and what it takes to look at its process. */
const OF_A_SERVER = 8;
/** A client and the connection to its worker. */
const OF_A_REQUEST = 2;
/** What one SGLang server opens itself while it loads: it inherits the limit. */
const INSIDE_A_SERVER = 1_024;

/** `ulimit -n`: what the router needs for its clients, and a server for its libraries. */
export async function checkOpenFiles(
  { config, launch }: Subject,
  limit = openFilesLimit(),
): Promise<readonly Finding[]> {
  const { regular, prefill, decode } = launch.servers;
  const servers = (Number.isFinite(regular) ? regular : 8) + prefill + decode;
  const cap = Math.max(config.maxConcurrentRequests, 0);
  const base = OF_THE_ROUTER + OF_A_SERVER * servers;
  const needed = Math.max(base + OF_A_REQUEST * cap, launch.sim ? 0 : INSIDE_A_SERVER);
  // Those in the queue have a connection each.
  const wanted = needed + Math.max(config.queueSize, 0);
  const about = { limit: Number.isFinite(limit) ? limit : null, needed, wanted };
  const text = `${Number.isFinite(limit) ? limit : 'any number'} may be open at once (ulimit -n)`;
  if (limit < needed) return [problem(`${text}, and ${needed} are needed`, raise, about)];
  if (limit < wanted) {
    const fewer = `enough for ${cap} requests at once, not for a full queue of ${config.queueSize} more`;
    return [warning(`${text}: ${fewer}`, `${raise}; or lower --router-queue-size`, about)];
  }
  return [ok(text, about)];
}
