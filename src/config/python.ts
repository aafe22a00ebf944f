import { describe, term } from './render.ts';
import { GROUPS, type Spec } from './spec.ts';
import { ROUTER_OPTIONS } from './vocabulary.ts';

/** One option as the Python package needs it for RouterArgs and its argparse group. */
export interface PythonOption {
  readonly flags: readonly string[];
  /** Field of RouterArgs. */
  readonly field: string;
  readonly type: Spec['type'];
  readonly nargs: '*' | '+' | null;
  readonly append: boolean;
  /** In the unit of the flag. */
  readonly default: unknown;
  readonly choices: readonly string[] | null;
  readonly metavar: string | null;
  readonly group: string;
  readonly help: string;
}

/** options.json: the router's options for the Python package. */
export function pythonOptions(): readonly PythonOption[] {
  return ROUTER_OPTIONS.map(({ spec }) => ({
    flags: spec.flags,
    field: spec.python ?? spec.flags[0].slice(2).replaceAll('-', '_'),
    type: spec.type,
    nargs: spec.arity === 'any' ? '*' : spec.arity === 'some' ? '+' : null,
    append: spec.append,
    default: defaultOf(spec),
    choices: spec.choices ?? null,
    metavar: spec.arity === 'none' ? null : (term(spec).split(' ')[1] ?? null),
    group: GROUPS[spec.group],
    help: describe(spec),
  }));
}

function defaultOf(spec: Spec): unknown {
  // There it is a dict of labels.
  if (spec.type === 'selector') return {};
  if (typeof spec.default !== 'number') return spec.default ?? null;
  return spec.type === 'size' ? spec.default : Number(spec.render(spec.default)[0]?.[0]);
}
