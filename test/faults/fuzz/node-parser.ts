import { type IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';

/** One request as a parser read it. */
export interface ReadRequest {
  readonly method: string;
  readonly url: string;
  readonly minor: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

type Callback = (...values: never[]) => unknown;

/** The parser below `node:http`; it has no public name. */
interface NodeParser {
  [callback: number]: Callback | null;
  initialize(kind: number, resource: object, maxHeaderSize: number, lenientFlags: number): void;
  execute(bytes: Buffer): number | Error;
  close(): void;
}

interface NodeParserClass {
  new (): NodeParser;
  readonly REQUEST: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
}

const { HTTPParser, methods } = createRequire(import.meta.url)('_http_common') as {
  HTTPParser: NodeParserClass;
  methods: readonly string[];
};
/** Numbered after the methods of RTSP, which are not in the list. */
const QUERY = 46;
const NO_SOCKET = new Socket();
const MOST_HEAD_BYTES = 64 * 1024;

/** The requests that Node's own parser, as strict as it is by default, reads whole from these pieces. */
export function readWithNode(pieces: readonly Buffer[]): ReadRequest[] {
  const requests: ReadRequest[] = [];
  let raw: string[] = [];
  let target = '';
  let head: Omit<ReadRequest, 'body'> | undefined;
  let body = '';
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.REQUEST, {}, MOST_HEAD_BYTES, 0);
  // Comes before the end of a head of many headers, and for trailers.
  parser[HTTPParser.kOnHeaders] = ((lines: string[], part: string) => {
    if (head) return;
    raw.push(...lines);
    target += part;
  }) as Callback;
  parser[HTTPParser.kOnHeadersComplete] = ((
    major: number,
    minor: number,
    lines: string[] | undefined,
    method: number,
    url: string | undefined,
  ) => {
    raw.push(...(lines ?? []));
    const name = method === QUERY ? 'QUERY' : (methods[method] ?? '');
    head = {
      method: name,
      url: target + (url ?? ''),
      minor: major === 1 ? minor : Number.NaN,
      headers: headersOf(raw),
    };
    raw = [];
    target = '';
    return 0;
  }) as Callback;
  parser[HTTPParser.kOnBody] = ((bytes: Buffer) => {
    body += bytes.toString('latin1');
  }) as Callback;
  parser[HTTPParser.kOnMessageComplete] = (() => {
    if (head) requests.push({ ...head, body });
    head = undefined;
    body = '';
  }) as Callback;
  for (const piece of pieces) if (parser.execute(piece) instanceof Error) break;
  parser.close();
  return requests;
}

function headersOf(raw: readonly string[]): IncomingHttpHeaders {
  const message = new IncomingMessage(NO_SOCKET) as IncomingMessage & {
    _addHeaderLines(raw: readonly string[], count: number): void;
  };
  message._addHeaderLines(raw, raw.length);
  return message.headers;
}
