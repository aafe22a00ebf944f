import type { Option } from './argv.ts';
import { variablesOf } from './environment.ts';
import { describe, term } from './render.ts';
import { DEFAULT_MEANS_OURS, SGLANG_ROUTER_FIELDS } from './sglang-router.ts';
import { GROUPS, type Spec } from './spec.ts';
import { ROUTER_OPTIONS } from './vocabulary.ts';

/** One option as the Python package needs it for RouterArgs and its argparse group. */
interface PythonOption {
  readonly flags: readonly string[];
  /** Field of RouterArgs. */
  readonly field: string;
  /** Type of the field, as Python writes it. */
  readonly hint: string;
  /** `keys` and `mapping` have a form of their own in RouterArgs: tuples and a dict. */
  readonly type: Spec['type'] | 'keys' | 'mapping';
  readonly nargs: '*' | '+' | null;
  readonly append: boolean;
  /** Of the field, in the unit of the flag: that of 0.3.2 where it has the field. */
  readonly default: unknown;
  /** What argparse has without the flag. */
  readonly parsed: unknown;
  /** Of the program. */
  readonly ours: unknown;
  /** The value that is not passed on to the program. */
  readonly unsaid: unknown;
  readonly choices: readonly string[] | null;
  readonly metavar: string | null;
  readonly group: string;
  readonly help: string;
  /** The variable that carries the value in place of the command line, which everybody can see. */
  readonly variable: string | null;
}

/** options.json: the router's options for the Python package, in the order of 0.3.2's fields and then ours. */
export function pythonOptions(): readonly PythonOption[] {
  const order = Object.keys(SGLANG_ROUTER_FIELDS);
  const rank = ({ field }: PythonOption) => (order.includes(field) ? order.indexOf(field) : order.length);
  const fields = ROUTER_OPTIONS.filter(({ spec }) => spec.python !== false);
  return fields.map(pythonOption).sort((a, b) => rank(a) - rank(b));
}

function pythonOption(option: Option): PythonOption {
  const { spec } = option;
  const field = spec.python || spec.flags[0].slice(2).replaceAll('-', '_');
  const ours = defaultOf(spec);
  const known = SGLANG_ROUTER_FIELDS[field] ?? { hint: hintOf(spec, ours), default: ours };
  const type = typeOf(spec, known.hint);
  return {
    flags: spec.flags,
    field,
    hint: known.hint,
    type,
    nargs: spec.arity === 'any' ? '*' : spec.arity === 'some' ? '+' : null,
    append: spec.append,
    default: known.default,
    parsed: known.parsed === undefined ? known.default : known.parsed,
    ours,
    unsaid: DEFAULT_MEANS_OURS.has(field) || type === 'mapping' ? known.default : ours,
    choices: spec.choices ?? null,
    metavar: spec.arity === 'none' ? null : (term(spec).split(' ')[1] ?? null),
    group: GROUPS[spec.group],
    help: describe(spec),
    variable: spec.secret ? variablesOf(option).at(-1)! : null,
  };
}

function defaultOf(spec: Spec): unknown {
  // There it is a dict of labels.
  if (spec.type === 'selector') return {};
  if (typeof spec.default !== 'number') return spec.default ?? null;
  return spec.type === 'size' ? spec.default : Number(spec.render(spec.default)[0]?.[0]);
}

function typeOf({ type, secret }: Spec, hint: string): PythonOption['type'] {
  if (type !== 'list') return type;
  if (secret) return 'keys';
  return hint.startsWith('Dict') ? 'mapping' : 'list';
}

const HINTS: Readonly<Record<Spec['type'], string>> = {
  flag: 'bool',
  str: 'str',
  int: 'int',
  float: 'float',
  size: 'int',
  list: 'List[str]',
  selector: 'Dict[str, str]',
  prefill: 'List[tuple]',
};

function hintOf({ type }: Spec, byDefault: unknown): string {
  return byDefault === null ? `Optional[${HINTS[type]}]` : HINTS[type];
}

const HEAD = `"""Generated from the option table of the program: do not edit, run npm run generate."""

# ruff: noqa: UP006, UP035 (the types are those of 0.3.2, to the letter)
import dataclasses
from typing import Dict, List, Optional


@dataclasses.dataclass
class RouterFields:
    """The fields of RouterArgs: those of sglang-router 0.3.2 in its order and with its defaults, then further ones."""
`;

/** python/sglang_router/_fields.py. */
export function pythonFields(): string {
  return `${HEAD}\n${pythonOptions().map(fieldOf).join('\n')}\n`;
}

function fieldOf({ field, hint, default: value }: PythonOption): string {
  return `    ${field}: ${hint} = ${literal(value)}`;
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return 'dataclasses.field(default_factory=list)';
  if (value === null) return 'None';
  if (typeof value === 'object') return 'dataclasses.field(default_factory=dict)';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

const DEFAULTS_HEAD = `## Defaults that differ

| Flag | 0.3.2 | here |
| --- | --- | --- |`;

/** The end of docs/migrating.md: defaults of the command line. */
export function changedDefaults(): string {
  const known = pythonOptions().filter(({ field }) => field in SGLANG_ROUTER_FIELDS);
  const rows = known.flatMap(({ flags, type, parsed, ours }) => {
    if (type === 'mapping' || JSON.stringify(parsed) === JSON.stringify(ours)) return [];
    return `| \`${flags[0]}\` | ${shown(parsed)} | ${shown(ours)} |`;
  });
  return `${[DEFAULTS_HEAD, ...rows].join('\n')}\n`;
}

function shown(value: unknown): string {
  return value === null ? 'none' : `\`${value}\``;
}
