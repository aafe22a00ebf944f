import type { Spec } from './spec.ts';

const METAVARS: Readonly<Record<Spec['type'], string>> = {
  flag: '',
  str: 'TEXT',
  int: 'N',
  float: 'X',
  size: 'SIZE',
  list: 'TEXT',
  selector: 'KEY=VALUE',
  prefill: 'URL [PORT|none]',
};

/** A flag with its value as usage lines write it: `--worker-urls URL ...`. */
export function term({ flags, type, arity, append, choices, metavar }: Spec): string {
  const name = metavar ?? (choices ? 'NAME' : METAVARS[type]);
  const more = arity === 'any' || (arity === 'some' && !append) ? ' ...' : '';
  return name ? `${flags[0]} ${name}${more}` : flags[0];
}

/** What an option does, its choices, default and aliases, in a line. */
export function describe(spec: Spec): string {
  const { flags, help } = spec;
  const [, ...aliases] = flags;
  const byDefault = defaultOf(spec);
  const asides = [
    ...(byDefault === '' ? [] : [`default: ${byDefault}`]),
    ...(aliases.length > 0 ? [`also ${aliases.join(', ')}`] : []),
  ];
  return `${help}${listOf(spec)}${asides.length > 0 ? ` (${asides.join('; ')})` : ''}`;
}

/** The default as the command line writes it; empty where there is none. */
export function defaultOf(spec: Spec): string {
  return spec.render(spec.default).flat().join(' ');
}

/** The choices after a colon; `quote` is how each is written. */
export function listOf({ choices }: Spec, quote = (name: string) => name): string {
  return choices ? `: ${choices.map((name) => quote(name)).join(', ')}` : '';
}
