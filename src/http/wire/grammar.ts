/** Methods and names of headers (RFC 9110 §5.6.2). */
export const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Values of headers: no control character but the tab, one byte a character (RFC 9110 §5.5). */
export const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Lines of headers, the last without its end. */
export const HEADER_LINES = /(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*(?:\r\n(?=.)|$))*$/y;

/** Whether a line is `name:value`. */
export function isHeader(line: string): boolean {
  const colon = line.indexOf(':');
  return colon > 0 && TOKEN.test(line.slice(0, colon)) && VALUE.test(line.slice(colon + 1));
}
