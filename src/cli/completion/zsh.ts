import { CONFIG, type CompletedCommand, type CompletedFlag } from './completed.ts';

/** The text of the completion for zsh: to be sourced, or a file `_sglang-launch` in a folder of `fpath`. */
export function zshCompletion(programs: readonly string[], commands: readonly CompletedCommand[]): string {
  return `#compdef ${programs.join(' ')}
# zsh completion for ${programs.join(' and ')}: source <(${programs[0]} completion zsh)

_sglang_launch() {
  local command=''
  if [[ \${words[2]} == ${CONFIG} && CURRENT -gt 3 && \${words[3]} != -* ]]; then
    command=\${words[3]}
    shift 2 words
    ((CURRENT -= 2))
  elif [[ \${words[2]} == -* && \${words[1]} == *${programs[0]} ]]; then
    # Flags alone are those of the first command.
    command=${commands[0]?.names[0]}
  elif ((CURRENT > 2)); then
    command=\${words[2]}
    shift words
    ((CURRENT -= 1))
  else
    local -a names=(
${commands.flatMap(({ names, summary }) => names.map((name) => `      ${quoted(`${name}:${summary}`)}\n`)).join('')}    )
    _describe command names
    return
  fi
  case $command in
${commands.map(commandCase).join('')}  esac
}

if [[ $funcstack[1] == _${programs[0]} ]]; then _sglang_launch "$@"; else compdef _sglang_launch ${programs.join(' ')}; fi
`;
}

function commandCase({ names, words, flags }: CompletedCommand): string {
  const specs = [
    ...(words.length > 0 ? [quoted(`*:word:(${words.join(' ')})`)] : []),
    ...flags.flatMap((flag) => flag.names.map((name) => quoted(specOf(name, flag)))),
  ];
  return `    ${names.join('|')}) _arguments \\\n${specs.map((spec) => `      ${spec}`).join(' \\\n')} ;;\n`;
}

/** `*--policy=[how a worker is chosen]:value:(random round_robin)`. */
function specOf(name: string, { help, values, many }: CompletedFlag): string {
  const about = `[${escaped(help).replaceAll('[', '\\[').replaceAll(']', '\\]')}]`;
  if (values === 'none') return `*${name}${about}`;
  const equals = name.startsWith('--') ? '=' : '';
  // Any number of values: up to the next flag.
  return `*${name}${many ? '' : equals}${about}:${many ? '*-*:' : ''}value:${action(values)}`;
}

function action(values: Exclude<CompletedFlag['values'], 'none'>): string {
  if (values === 'file') return '_files';
  if (values === 'folder') return '_files -/';
  return values === 'text' ? ' ' : `(${values.join(' ')})`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll(':', '\\:');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
