/** Fields of a server's info whose values are secrets, `api_key` and `admin_api_key` among them. */
const SECRET = /"(\w*(?:api_key|password|secret))"(\s*:\s*)"((?:[^"\\]|\\.)*)"/g;
/** Anything shorter would be found in half of all words. */
const SHORTEST_SECRET = 4;
const HIDDEN = '***';

/** JSON of a worker without its keys: null in their own fields, and hidden where they appear besides, as in its command line. All else stays byte for byte. */
export function withoutKeys(json: string): string {
  const secrets = new Set<string>();
  let clean = json.replaceAll(SECRET, (_, name: string, colon: string, value: string) => {
    if (value.length >= SHORTEST_SECRET) secrets.add(value);
    return `"${name}"${colon}null`;
  });
  // Only within strings: a key of digits may be part of a number.
  if (secrets.size > 0) clean = clean.replaceAll(STRING, (text) => hiding(text, secrets));
  return clean.replaceAll(COMMAND_KEY, `$1${HIDDEN}`);
}

const STRING = /"(?:[^"\\]|\\.)*"/g;

function hiding(text: string, secrets: ReadonlySet<string>): string {
  let shown = text;
  for (const secret of secrets) shown = shown.replaceAll(secret, HIDDEN);
  return shown;
}

/** In a command line. */
const COMMAND_KEY = /(--(?:admin-)?api-key[= ]+)(?:[^\s"\\]|\\.)+/g;
