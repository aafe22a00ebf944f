/** A request as a fuzz case starts from it. */
export interface Draft {
  /** Unique; stands in the target and in `x-fuzz`. */
  readonly mark: string;
  readonly random: () => number;
}

export const crlf = (...lines: readonly string[]) => lines.join('\r\n');

export function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

/** What an attacker wants the worker to take for a request of its own. */
export function hidden(mark: string): string {
  return crlf(`POST /smuggled?c=${mark} HTTP/1.1`, 'host: x', 'content-length: 0', '', '');
}

const METHODS = ['POST', 'POST', 'POST', 'POST', 'GET', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'];
const PATHS = [
  '/generate',
  '/v1/chat/completions',
  '/any/%2e%2e/path',
  '//double',
  'http://elsewhere.invalid/absolute',
  '/p',
];
const EXTRAS = [
  'X-Case: Kept',
  'accept: */*',
  'Accept: text/html',
  'authorization: Bearer k',
  'Content-Type: application/json',
  'connection: keep-alive',
  'Connection: x-gone, keep-alive',
  'x-gone: 1',
  'te: trailers',
  'expect: 100-continue',
  'x-obs: \x80\xff',
  'x-empty:',
  'x-tabs:\t a\tb \t',
  'cookie: a=1',
  'Cookie: b=2',
  'upgrade: h2c',
];

/** A request that every reader takes for the same. */
export function valid({ mark, random }: Draft): string {
  const extras = EXTRAS.filter(() => random() < 0.12);
  const start = `${pick(random, METHODS)} ${pick(random, PATHS)}?c=${mark} HTTP/1.1`;
  const head = [start, 'Host: x', `x-fuzz: ${mark}`, ...extras];
  const text = random() < 0.3 ? hidden(mark) : '{"text":"hello"}'.repeat(Math.floor(random() * 20));
  const kind = random();
  if (kind < 0.2) return crlf(...head, '', '');
  if (kind < 0.6) return crlf(...head, `content-length: ${text.length}`, '', text);
  return crlf(...head, 'Transfer-Encoding: chunked', '', chunked(text, random));
}

function chunked(text: string, random: () => number): string {
  let out = '';
  for (let at = 0; at < text.length; ) {
    const size = 1 + Math.floor(random() * 100);
    const chunk = text.slice(at, at + size);
    out += `${chunk.length.toString(16)}${random() < 0.1 ? ';ext="v"' : ''}\r\n${chunk}\r\n`;
    at += size;
  }
  return `${out}0\r\n${random() < 0.1 ? 'x-trailer: t\r\n' : ''}\r\n`;
}

const CODINGS = [
  'transfer-encoding: chunked',
  'Transfer-Encoding : chunked',
  'transfer-encoding: xchunked',
  'transfer-encoding: chunked, identity',
  'transfer-encoding: identity, chunked',
  'transfer-encoding: gzip, chunked',
  'transfer-encoding: chunked, chunked',
  'transfer-encoding:\tchunked',
  'transfer-encoding: "chunked"',
  'transfer-encoding: \x0bchunked',
  'transfer-encoding:\r\n chunked',
  'x-a: b\r\n transfer-encoding: chunked',
  'x-a: b\ntransfer-encoding: chunked',
  'x-a: b\rtransfer-encoding: chunked',
  'transfer-encoding: identity\r\ntransfer-encoding: chunked',
  'transfer_encoding: chunked',
  'transfer-encoding: CHUNKED',
  'transfer-encoding\0: chunked',
  'transfer-encoding: chunked\0',
];

const LENGTHS = ['+', '-', '0x', '0', '"', ' ', '1, ', '', '1 '];
const SIZES = [
  '0x2',
  '+2',
  '-2',
  ' 2',
  '2 ',
  '02',
  '00000000000000002',
  '10000000000000002',
  '',
  'g',
  '2;a\nb',
  '2;a\rb',
  '2;a',
  '2 ;a',
];
const ENDS = ['\r\n', '\n', '\r', '', 'x\r\n', '\r\n\r\n'];
const LINES = [
  ' HTTP/1.0',
  ' HTTP/0.9',
  ' HTTP/1.2',
  ' HTTP/2.0',
  ' http/1.1',
  '',
  ' HTTP/1.1 ',
  '\tHTTP/1.1',
  ' HTTP/1.1\n',
];

const start = (mark: string) => crlf(`POST /generate?c=${mark} HTTP/1.1`, 'host: x', `x-fuzz: ${mark}`);

/** The ways in which two readers may come to see different requests. */
export const SMUGGLING: readonly ((draft: Draft) => string)[] = [
  ({ mark, random }) => {
    const lines = [`content-length: ${pick(random, [6, 0, 5, 40])}`, pick(random, CODINGS)];
    if (random() < 0.5) lines.reverse();
    return crlf(start(mark), ...lines, '', `0\r\n\r\n${hidden(mark)}`);
  },
  ({ mark, random }) => crlf(start(mark), pick(random, CODINGS), '', `0\r\n\r\n${hidden(mark)}`),
  ({ mark, random }) => {
    const body = hidden(mark);
    const lines = [pick(random, CODINGS), 'content-length: 4'];
    return crlf(start(mark), ...lines, '', `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
  },
  ({ mark, random }) => crlf(start(mark), `content-length: ${pick(random, LENGTHS)}5`, '', `hello${hidden(mark)}`),
  ({ mark, random }) => {
    const second = pick(random, [4, 5, 6, 5]);
    return crlf(start(mark), 'content-length: 5', `Content-Length: ${second}`, '', `hello${hidden(mark)}`);
  },
  ({ mark, random }) => {
    const body = `${pick(random, SIZES)}${pick(random, ENDS)}{}${pick(random, ENDS)}0\r\n\r\n`;
    return crlf(start(mark), 'transfer-encoding: chunked', '', body + hidden(mark));
  },
  ({ mark, random }) => {
    const trailer = pick(random, [
      'content-length: 5',
      'transfer-encoding: chunked',
      'host: y',
      'x y: z',
      ' folded',
      'a: b\n',
    ]);
    return crlf(start(mark), 'transfer-encoding: chunked', '', `2\r\n{}\r\n0\r\n${trailer}\r\n\r\n${hidden(mark)}`);
  },
  ({ mark, random }) => {
    const line = pick(random, [
      'x : y',
      ': y',
      'x',
      ' x: y',
      'x: a\0b',
      'x: a\nb',
      'x: a\rb',
      '\x01: y',
      'host: y',
      'x:\x7f',
    ]);
    return crlf(start(mark), line, 'content-length: 0', '', hidden(mark));
  },
  ({ mark, random }) => {
    const target = pick(random, [
      `/a?c=${mark}`,
      `/a b?c=${mark}`,
      `a?c=${mark}`,
      `/a\r\nx: y?c=${mark}`,
      '*',
      `x:80`,
      `/a#${mark}`,
    ]);
    return crlf(`GET ${target}${pick(random, LINES)}`, 'host: x', `x-fuzz: ${mark}`, '', hidden(mark));
  },
  ({ mark }) => crlf(start(mark), 'content-length: 100000', '', hidden(mark)),
  ({ mark }) => crlf(start(mark), 'content-length: 100000', '', 'x'.repeat(100_000) + hidden(mark)),
  ({ mark, random }) => crlf(start(mark), `x-big: ${'b'.repeat(pick(random, [1_000, 100_000]))}`, '', hidden(mark)),
  ({ mark, random }) =>
    crlf(start(mark), pick(random, ['Connection: close', 'connection: upgrade', 'upgrade: x']), '', hidden(mark)),
  ({ mark }) => crlf(`CONNECT x:80 HTTP/1.1`, 'host: x', '', hidden(mark)),
  ({ mark }) => `\r\n\r\n${crlf(start(mark), '', hidden(mark))}`,
  ({ mark }) => `\n${crlf(start(mark), '', hidden(mark))}`,
];

const SPECIAL = [
  '\r',
  '\n',
  '\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '\x0b',
  '\x80',
  '0',
  '\r\n\r\n',
  '-',
  '+',
  'x',
].map((text) => Buffer.from(text, 'latin1'));

type Mutation = (bytes: Buffer, random: () => number) => Buffer;

const place = (bytes: Buffer, random: () => number) => Math.floor(random() * bytes.length);

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => {
    const out = Buffer.from(bytes);
    out[place(out, random)]! ^= 1 << Math.floor(random() * 8);
    return out;
  },
  (bytes, random) => {
    const at = place(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), pick(random, SPECIAL), bytes.subarray(at)]);
  },
  (bytes, random) => {
    const at = place(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + Math.floor(random() * 4))]);
  },
  (bytes, random) => {
    const [from, to] = [place(bytes, random), place(bytes, random)].sort((a, b) => a - b) as [number, number];
    const at = place(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(from, Math.min(to, from + 80)), bytes.subarray(at)]);
  },
  (bytes, random) => {
    const lines = bytes.toString('latin1').split('\r\n');
    const [a, b] = [Math.floor(random() * lines.length), Math.floor(random() * lines.length)];
    [lines[a], lines[b]] = [lines[b]!, lines[a]!];
    return Buffer.from(lines.join('\r\n'), 'latin1');
  },
  (bytes, random) => bytes.subarray(0, place(bytes, random)),
];

/** The same bytes with one thing changed at random. */
export function mutate(bytes: Buffer, random: () => number): Buffer {
  return bytes.length === 0 ? bytes : pick(random, MUTATIONS)(bytes, random);
}
