import { duration } from '../../terminal/duration.ts';
import type { Paint } from '../../terminal/kind.ts';

/** What is served from now on. */
export interface Serving {
  readonly url: string;
  /** The same as other machines write it, where they can reach it. */
  readonly networkUrls: readonly string[];
  /** Nobody but this machine can reach it. */
  readonly onLoopback: boolean;
  /** Servers that are ready, of so many. */
  readonly workers: readonly string[];
  readonly of: number;
  /** Since the program's start. */
  readonly elapsedMs: number;
  /** In words. */
  readonly model: string;
  /** Requests in flight at most; 0 or less is no limit. */
  readonly maxConcurrentRequests: number;
  readonly keyNeeded: boolean;
  readonly dashboardUrl: string;
  readonly logFolder: string;
  readonly pid: number;
}

const LABEL_WIDTH = 9;

/** Where it is served, what to know of it, and a request to paste. */
export function bannerText(serving: Serving, paint: Paint): string {
  const { url, logFolder, pid, dashboardUrl } = serving;
  const rows: readonly (readonly [string, string])[] = [
    ['Local', paint('cyan', url)],
    ...networkRows(serving, paint),
    ['Model', serving.model],
    ['Limit', limitText(serving)],
    ['Dashboard', paint('cyan', dashboardUrl)],
    ['Logs', logFolder],
    ['Process', `${pid} (Ctrl-C stops it; see also: sglang-launch logs, restart)`],
  ];
  const label = (name: string) => paint('dim', name.padEnd(LABEL_WIDTH));
  return [
    '',
    `  ${paint(['bold', 'green'], readyText(serving))}`,
    '',
    ...rows.map(([name, text]) => `  ${label(name)}  ${text}`),
    '',
    ...requestLines(serving).map((line) => `  ${line}`),
    '',
  ].join('\n');
}

/** `ready in 33.4 s: 4 of 4 servers`. */
export function readyText({ elapsedMs, workers, of }: Serving): string {
  return `ready in ${duration(elapsedMs)}: ${workers.length} of ${of} servers`;
}

/** `64 requests at once, …`. */
export function limitText({ maxConcurrentRequests: most }: Serving): string {
  return most > 0
    ? `${most} requests at once, more wait (--router-max-concurrent-requests)`
    : 'no limit of requests at once';
}

/** The line for scripts. */
export function readyLine({ url, workers, elapsedMs }: Serving): string {
  return `READY ${JSON.stringify({ url, workers, seconds: Number((elapsedMs / 1000).toFixed(1)) })}\n`;
}

function networkRows({ networkUrls, onLoopback }: Serving, paint: Paint): readonly (readonly [string, string])[] {
  if (onLoopback) return [['Network', paint('dim', 'none; --host 0.0.0.0 serves other machines too')]];
  return networkUrls.map((url) => ['Network', paint('cyan', url)]);
}

/** One command in lines that do not wrap. */
function requestLines({ url, keyNeeded }: Serving): string[] {
  return [
    `curl ${url}/generate -H 'content-type: application/json' \\`,
    ...(keyNeeded ? [`  -H "authorization: Bearer $API_KEY" \\`] : []),
    `  -d '{"text": "The capital of France is"}'`,
  ];
}
