/** So much of the beginning of a body is looked at, and so much of its end: a client writes its fields before its files, or after them. */
const BEGINNING_BYTES = 2 ** 20;
const END_BYTES = 64 * 1024;
/** Most parts that are read; more than servers accept. */
const MOST_PARTS = 1_000;
const MOST_HEAD_BYTES = 8 * 1024;
const MOST_VALUE_BYTES = 1024;

/** Most white space after a delimiter. */
const MOST_SPACE = 64;

const CRLF = '\r\n';
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const DASH = 0x2d;
const HEAD_END = Buffer.from('\r\n\r\n');
/** RFC 2046 §5.1.1: characters of a boundary, which does not end in a space. */
const BOUNDARY = /^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/;
const PARAMETER = /\s*;\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\\r\n]|\\[^\r\n])*)"|([^\s;"]+))/y;
const DISPOSITION = /(?:^|\r\n)content-disposition[ \t]*:[ \t]*form-data/i;

/**
 * The text of the last such field in a `multipart/form-data` body; undefined if there is none. A part with a file name is a file, and
 * nothing but the value is copied.
 */
export function multipartField(body: Buffer, contentType: string | undefined, name: string): string | undefined {
  const boundary = contentType === undefined ? undefined : boundaryOf(contentType);
  if (boundary === undefined) return undefined;
  if (body.length <= BEGINNING_BYTES + END_BYTES) return lastField(body, boundary, name);
  const end = lastField(body.subarray(body.length - END_BYTES), boundary, name);
  return end ?? lastField(body.subarray(0, BEGINNING_BYTES), boundary, name);
}

function boundaryOf(contentType: string): string | undefined {
  const type = /^\s*multipart\/form-data(?=\s*;)/i.exec(contentType)?.[0];
  const boundary = type && parametersOf(contentType, type.length)?.get('boundary');
  return boundary && BOUNDARY.test(boundary) ? boundary : undefined;
}

function lastField(body: Buffer, boundary: string, name: string): string | undefined {
  const delimiter = Buffer.from(`${CRLF}--${boundary}`, 'latin1');
  let value: string | undefined;
  let part = firstPart(body, delimiter);
  for (let parts = 0; part >= 0 && parts < MOST_PARTS; parts++) {
    const head = headOf(body, part);
    if (head < 0) break;
    const headEnd = body.subarray(0, head + MOST_HEAD_BYTES).indexOf(HEAD_END, head - CRLF.length);
    const end = nextDelimiter(body, delimiter, Math.max(part, headEnd));
    if (end < 0) break;
    if (headEnd >= 0) value = textIn(body, head, headEnd, end, name) ?? value;
    part = end + delimiter.length;
  }
  return value;
}

/** The position after the first delimiter, which may be the first line of the body. */
function firstPart(body: Buffer, delimiter: Buffer): number {
  const line = delimiter.subarray(CRLF.length);
  if (body.subarray(0, line.length).equals(line) && isDelimiter(body, line.length)) return line.length;
  const at = nextDelimiter(body, delimiter, 0);
  return at < 0 ? at : at + delimiter.length;
}

function nextDelimiter(body: Buffer, delimiter: Buffer, from: number): number {
  let at = body.indexOf(delimiter, from);
  while (at >= 0 && !isDelimiter(body, at + delimiter.length)) at = body.indexOf(delimiter, at + 1);
  return at;
}

/** Whether the bytes after a delimiter make it one, not a line that only begins alike. */
function isDelimiter(body: Buffer, end: number): boolean {
  return (body[end] === DASH && body[end + 1] === DASH) || headOf(body, end) >= 0;
}

/** Where the head of a part begins: behind its delimiter, white space and the line's end; negative where it is the last delimiter. */
function headOf(body: Buffer, end: number): number {
  let at = end;
  while (at < end + MOST_SPACE && (body[at] === SPACE || body[at] === TAB)) at++;
  return body[at] === CR && body[at + 1] === LF ? at + CRLF.length : -1;
}

/** The value up to `end` where the head in front of it, up to `headEnd`, is that of the field. */
function textIn(body: Buffer, head: number, headEnd: number, end: number, name: string): string | undefined {
  const start = headEnd + HEAD_END.length;
  // The delimiter may share its line end with the head.
  if (end < start || end - start > MOST_VALUE_BYTES) return undefined;
  const lines = body.toString('latin1', head, Math.max(head, headEnd));
  const disposition = DISPOSITION.exec(lines);
  const parameters = disposition && parametersOf(lines, disposition.index + disposition[0].length);
  if (parameters?.get('name') !== name || parameters.has('filename') || parameters.has('filename*')) return undefined;
  return body.toString('utf8', start, end);
}

/** Reads repeated `; name=value`, names in lower case; undefined if a name comes twice. */
function parametersOf(text: string, from: number): Map<string, string> | undefined {
  const found = new Map<string, string>();
  PARAMETER.lastIndex = from;
  for (let match = PARAMETER.exec(text); match; match = PARAMETER.exec(text)) {
    const [, key = '', quoted, plain = ''] = match;
    if (found.has(key.toLowerCase())) return undefined;
    found.set(key.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? plain);
  }
  return found;
}
