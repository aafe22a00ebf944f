/** What is open at the end of a line: a quoted text, or brackets, that go on below. */
interface Open {
  readonly kind: '"' | "'" | 'brackets';
  readonly line: number;
  readonly depth: number;
}

/**
 * What is surely wrong with a YAML file of settings, with its line; undefined where nothing is. It is no parser: whatever is left
 * open is SGLang's own to judge, but that takes many seconds to start, and a simulated engine reads no such file.
 */
export function yamlProblem(lines: readonly string[]): string | undefined {
  let open: Open | undefined;
  for (const [index, text] of lines.entries()) {
    const line = index + 1;
    if (open) {
      open = closed(open, text);
      continue;
    }
    if (/^ *\t/.test(text)) return `line ${line}: expected spaces before the text, got a tab`;
    if (!isSetting(text)) continue;
    const [, value] = /^[^#]*?:(?:\s+(.*)|)$/.exec(text) ?? [];
    if (value === undefined && !/:\s*$/.test(text)) return `line ${line}: expected key: value, got ${startOf(text)}`;
    open = opened(value ?? '', line);
  }
  if (!open) return undefined;
  const end = open.kind === 'brackets' ? 'bracket' : 'quote';
  return `line ${open.line}: expected a closing ${end}, got none up to the end of the file`;
}

/** A line of the outermost level that is no comment, list item, marker or end of something. */
function isSetting(text: string): boolean {
  return text.trim() !== '' && !/^(?:\s|#|%|---|\.\.\.|-\s|-$|[\]}])/.test(text.replace(/^\uFEFF/, ''));
}

function opened(value: string, line: number): Open | undefined {
  const [first] = value;
  if (first === '"' || first === "'") {
    return quotes(value, first) % 2 === 0 ? undefined : { kind: first, line, depth: 1 };
  }
  const depth = first === '[' || first === '{' ? nesting(value) : 0;
  return depth > 0 ? { kind: 'brackets', line, depth } : undefined;
}

function closed(open: Open, text: string): Open | undefined {
  if (open.kind !== 'brackets') return quotes(text, open.kind) % 2 === 0 ? open : undefined;
  const depth = open.depth + nesting(text);
  return depth > 0 ? { ...open, depth } : undefined;
}

function quotes(text: string, quote: '"' | "'"): number {
  const plain = quote === '"' ? text.replace(/\\./g, '') : text;
  return plain.split(quote).length - 1;
}

function nesting(text: string): number {
  const plain = text.replace(/"(?:[^"\\]|\\.)*"|'[^']*'|\s#.*/g, '');
  return plain.replace(/[^[{]/g, '').length - plain.replace(/[^\]}]/g, '').length;
}

/** The first word alone: the rest may be a key. */
function startOf(text: string): string {
  return `'${/^[\w.-]{0,40}/.exec(text)?.[0] || text.slice(0, 1)}…'`;
}
