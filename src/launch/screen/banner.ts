import { addressRows, type BannerRow, bannerOf, limitText, type Served } from '../../terminal/banner.ts';
import { duration } from '../../terminal/duration.ts';
import type { Paint } from '../../terminal/kind.ts';

/** What is served from now on. */
export interface Serving extends Served {
  /** Servers that are ready, of so many. */
  readonly workers: readonly string[];
  readonly of: number;
  /** Since the program's start. */
  readonly elapsedMs: number;
  /** In words. */
  readonly model: string;
  readonly logFolder: string;
  readonly pid: number;
}

/** Where it is served, what to know of it, and a request to paste. */
export function bannerText(serving: Serving, paint: Paint): string {
  const { model, logFolder, pid, dashboardUrl } = serving;
  const rows: readonly BannerRow[] = [
    ...addressRows(serving, paint),
    ['Model', model],
    ['Limit', limitOf(serving)],
    ['Dashboard', paint('cyan', dashboardUrl)],
    ['Logs', logFolder],
    ['Process', `${pid} (Ctrl-C stops it; see also: sglang-launch logs, restart)`],
  ];
  return bannerOf({ title: readyText(serving), style: ['bold', 'green'], served: serving, rows }, paint);
}

/** `ready in 33.4 s: 4 of 4 servers`. */
export function readyText({ elapsedMs, workers, of }: Serving): string {
  return `ready in ${duration(elapsedMs)}: ${workers.length} of ${of} servers`;
}

export function limitOf(serving: Serving): string {
  return limitText(serving, '--router-max-concurrent-requests');
}

/** The line for scripts. */
export function readyLine({ url, workers, elapsedMs }: Serving): string {
  return `READY ${JSON.stringify({ url, workers, seconds: Number((elapsedMs / 1000).toFixed(1)) })}\n`;
}
