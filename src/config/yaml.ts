import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLParseError,
} from 'yaml';

/** What is no YAML, or not the YAML that was expected: `line 3: …`. The text is never quoted, for it may hold a key. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
}

/** A value as words: everything that is neither list nor map is the text that stands there. */
export type Value = string | readonly Value[] | { readonly [key: string]: Value };

/** One line of the outermost level. */
export interface YamlLine {
  readonly key: string;
  readonly value: Value;
  /** The first is 1. */
  readonly line: number;
}

/** Expanded, an alias may stand for very much; a file written by hand has a handful. */
const MOST_ALIASES = 10_000;

/** The `key: value` lines of a file of settings, in order; a key that stands twice is there twice. Throws a YamlError. */
export function linesOf(text: string): readonly YamlLine[] {
  const lines = new LineCounter();
  // Values stay words, for the options read words: 0123 may be a key, and 1_000 a number.
  const document = parse(text, lines, 'failsafe');
  const { contents } = document;
  if (contents === null) return [];
  if (!isMap(contents)) throw new YamlError(`line ${lineOf(contents, lines)}: expected key: value`);
  return contents.items.map(({ key, value }) => {
    const line = lineOf(key as Node, lines);
    if (!isScalar(key) || typeof key.value !== 'string') throw new YamlError(`line ${line}: expected key: value`);
    return { key: key.value, line, value: dataOf(document, lines, value as Node | null) as Value };
  });
}

/** Any YAML as plain data, with numbers and switches as such. Throws a YamlError. */
export function readYaml(text: string): unknown {
  const lines = new LineCounter();
  const document = parse(text, lines, 'core');
  return dataOf(document, lines, document.contents);
}

function parse(text: string, lineCounter: LineCounter, schema: 'failsafe' | 'core'): Document {
  // To look for keys that stand twice takes the library a time that grows with the square of their number.
  const document = parseDocument(text, { schema, merge: true, uniqueKeys: false, prettyErrors: false, lineCounter });
  const [error] = document.errors;
  if (error) throw new YamlError(problemOf(error, document, lineCounter));
  return document;
}

function dataOf(document: Document, lines: LineCounter, node: Node | null): unknown {
  if (node === null) return '';
  try {
    return node.toJS(document, { maxAliasCount: MOST_ALIASES });
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause;
    const problem = cause.message.startsWith('Excessive')
      ? `expected at most ${MOST_ALIASES} values by alias, got more`
      : 'expected an alias of a value before it, got another; a text that begins with * is written in quotes';
    throw new YamlError(`line ${lineOf(node, lines)}: ${problem}`, { cause });
  }
}

function problemOf(error: YAMLParseError, document: Document, lines: LineCounter): string {
  const at = (offset: number, problem: string) => `line ${Math.max(1, lines.linePos(offset).line)}: ${problem}`;
  const [offset] = error.pos;
  const { message } = error;
  if (message.startsWith('Missing closing')) {
    return at(opening(document, offset, 'quote'), 'expected a closing quote, got none up to the end of the file');
  }
  if (error.code === 'BAD_INDENT' && message.startsWith('Flow')) {
    return at(opening(document, offset, 'bracket'), 'expected a closing bracket, got none that fits');
  }
  return at(offset, PROBLEMS[error.code] ?? 'expected key: value, got something that is no YAML');
}

/** What the library's codes mean to whoever wrote the file; its own words may quote from it. */
const PROBLEMS: Readonly<Partial<Record<YAMLParseError['code'], string>>> = {
  BAD_DQ_ESCAPE:
    'expected an escape such as \\n after the backslash; between single quotes a backslash stands for itself',
  BAD_INDENT: 'expected the text to begin below that of the line before, got another indentation',
  BAD_SCALAR_START: 'expected a value, got a character that none begins with; written in quotes it may',
  BLOCK_AS_IMPLICIT_KEY:
    'expected one value, got a second colon; a text with a colon and a space in it is written in quotes',
  MISSING_CHAR: 'expected key: value, got no colon with a space after it',
  MULTILINE_IMPLICIT_KEY: 'expected key: value, got no colon with a space after it',
  MULTIPLE_DOCS: 'expected one document, got --- before a second one',
  RESOURCE_EXHAUSTION: 'expected lists and maps that nest less deeply',
  TAB_AS_INDENT: 'expected spaces before the text, got a tab',
};

/** Where the quoted text, or the list or map in brackets, begins that is still open at `offset`. */
function opening(document: Document, offset: number, what: 'quote' | 'bracket'): number {
  let found = offset;
  visit(document, {
    Node(_, node) {
      const [start = 0, end = 0] = node.range ?? [];
      if (start > offset || end < offset) return undefined;
      const quoted = isScalar(node) && (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE');
      const bracketed = isCollection(node) && node.flow === true && found === offset;
      if (what === 'quote' ? quoted : bracketed) found = start;
      return undefined;
    },
  });
  return found;
}

function lineOf(node: Node | null, lines: LineCounter): number {
  return Math.max(1, lines.linePos(node?.range?.[0] ?? 0).line);
}
