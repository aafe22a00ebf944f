import type { Paint, Style } from './kind.ts';

/** What is served, and where. */
export interface Served {
  readonly url: string;
  /** The same as other machines write it, where they can reach it. */
  readonly networkUrls: readonly string[];
  /** Nobody but this machine can reach it. */
  readonly onLoopback: boolean;
  readonly dashboardUrl: string;
  readonly keyNeeded: boolean;
  /** Requests in flight at most; 0 or less is no limit. */
  readonly maxConcurrentRequests: number;
}

/** A label, and what stands beside it. */
export type BannerRow = readonly [label: string, text: string];

const LABEL_WIDTH = 9;
/** Columns before what stands beside a label. */
export const LABEL_ROOM = LABEL_WIDTH + 4;

/** A title, a line for each of the rows, and a request to paste. */
export function bannerOf(
  about: {
    readonly title: string;
    readonly style: Style;
    readonly served: Served;
    readonly rows: readonly BannerRow[];
    /** Fields of the request beside its text. */
    readonly fields?: Readonly<Record<string, string>>;
  },
  paint: Paint,
): string {
  const { title, style, served, rows, fields = {} } = about;
  const label = (name: string) => paint('dim', name.padEnd(LABEL_WIDTH));
  return [
    '',
    `  ${paint(style, title)}`,
    '',
    ...rows.map(([name, text]) => `  ${label(name)}  ${text}`),
    '',
    ...requestLines(served, fields).map((line) => `  ${line}`),
    '',
  ].join('\n');
}

/** The URLs, for this machine and for others. */
export function addressRows({ url, networkUrls, onLoopback }: Served, paint: Paint): readonly BannerRow[] {
  const local = ['Local', paint('cyan', url)] as const;
  if (onLoopback) return [local, ['Network', paint('dim', 'none; --host 0.0.0.0 serves other machines too')]];
  return [local, ...networkUrls.map((network) => ['Network', paint('cyan', network)] as const)];
}

/** `64 requests at once, …`; `flag` is what changes it. */
export function limitText({ maxConcurrentRequests: most }: Served, flag: string): string {
  return most > 0 ? `${most} requests at once, more wait (${flag})` : 'no limit of requests at once';
}

/** One command in lines that do not wrap. */
function requestLines({ url, keyNeeded }: Served, fields: Readonly<Record<string, string>>): string[] {
  const body = Object.entries({ ...fields, text: 'The capital of France is' })
    .map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`)
    .join(', ');
  return [
    `curl ${url}/generate -H 'content-type: application/json' \\`,
    ...(keyNeeded ? [`  -H "authorization: Bearer $API_KEY" \\`] : []),
    `  -d '{${body}}'`,
  ];
}
