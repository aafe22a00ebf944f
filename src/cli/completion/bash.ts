import { CONFIG, type CompletedCommand, type CompletedFlag } from './completed.ts';

/** The text of the completion for bash 3.2 and newer. */
export function bashCompletion(programs: readonly string[], commands: readonly CompletedCommand[]): string {
  const names = commands.flatMap((command) => command.names);
  return `# bash completion for ${programs.join(' and ')}: source <(${programs[0]} completion bash)

# Sets what may stand after a command: its words, and its flags.
_sglang_launch_words() {
  case $1 in
${commands.map(wordsCase).join('')}  esac
}

# Sets what may stand after a flag of a command: kind is none, words, file, folder or text; many values in a row where many is set.
_sglang_launch_values() {
  kind=none words='' many=''
  case $1:$2 in
${commands.flatMap((command) => command.flags.map((flag) => valuesCase(command, flag))).join('')}  esac
}

_sglang_launch() {
  local cur=\${COMP_WORDS[COMP_CWORD]} at=1 command='' kind='' words='' many='' flags='' flag='' i given
  COMPREPLY=()
  case \${COMP_WORDS[1]} in
    # Flags alone are those of the first command.
    -*) case \${COMP_WORDS[0]} in *${programs[0]}) at=0 command=${commands[0]?.names[0]} ;; esac ;;
    ${CONFIG}) case \${COMP_WORDS[2]} in -*) ;; *) [ "$COMP_CWORD" -gt 2 ] && at=2 ;; esac ;;
  esac
  [ -z "$command" ] && [ "$COMP_CWORD" -gt "$at" ] && command=\${COMP_WORDS[at]}
  if [ -z "$command" ]; then
    COMPREPLY=($(compgen -W '${names.join(' ')}' -- "$cur"))
    return
  fi
  # bash takes --flag=value apart.
  [ "$cur" = '=' ] && cur=''
  for ((i = COMP_CWORD - 1; i > at; i--)); do
    case \${COMP_WORDS[i]} in -*) flag=\${COMP_WORDS[i]}; break ;; esac
  done
  if [ -n "$flag" ] && [ "\${cur#-}" = "$cur" ]; then
    _sglang_launch_values "$command" "$flag"
    given=$((COMP_CWORD - i - 1))
    [ "\${COMP_WORDS[i + 1]}" = '=' ] && given=$((given - 1))
    if [ "$kind" != none ] && { [ $given -le 0 ] || [ -n "$many" ]; }; then
      case $kind in
        words) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
        file) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")) ;;
        folder) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur")) ;;
      esac
      return
    fi
  fi
  _sglang_launch_words "$command"
  case $cur in -*) words='' ;; esac
  COMPREPLY=($(compgen -W "\${words:-$flags}" -- "$cur"))
}

complete -F _sglang_launch ${programs.join(' ')}
`;
}

function wordsCase({ names, words, flags }: CompletedCommand): string {
  return `    ${names.join('|')}) words='${words.join(' ')}' flags='${flags.flatMap((flag) => flag.names).join(' ')}' ;;\n`;
}

function valuesCase({ names }: CompletedCommand, { names: flags, values, many }: CompletedFlag): string {
  if (values === 'none') return '';
  const patterns = names.flatMap((name) => flags.map((flag) => `${name}:${flag}`)).join('|');
  const kind = typeof values === 'string' ? `kind=${values}` : `kind=words words='${values.join(' ')}'`;
  return `    ${patterns}) ${kind}${many ? ' many=1' : ''} ;;\n`;
}
