import { CONFIG, type CompletedCommand, type CompletedFlag } from './completed.ts';

/** The text of the completion for fish. */
export function fishCompletion(programs: readonly string[], commands: readonly CompletedCommand[]): string {
  return `# fish completion for ${programs.join(' and ')}: ${programs[0]} completion fish | source

# The command that the line before the cursor is about.
function __sglang_launch_command
    set -l words (commandline -opc)
    set -l token (commandline -ct)
    if test (count $words) -gt 2; and test $words[2] = ${CONFIG}; and not string match -q -- '-*' $words[3]
        echo $words[3]
    else if test (count $words) -gt 1; and not string match -q -- '-*' $words[2]
        echo $words[2]
    else if string match -q -- '*${programs[0]}' $words[1]
        # Flags alone are those of the first command.
        if test (count $words) -gt 1; or string match -q -- '-*' $token
            echo ${commands[0]?.names[0]}
        end
    end
end

function __sglang_launch_in
    contains -- (__sglang_launch_command) $argv
end

for program in ${programs.join(' ')}
    complete -c $program -e
    complete -c $program -f
${commands.map(commandLines).join('')}end
`;
}

function commandLines({ names, summary, words, flags }: CompletedCommand): string {
  const inIt = `-n ${quoted(`__sglang_launch_in ${names.join(' ')}`)}`;
  const alone = `-n 'test -z (__sglang_launch_command)'`;
  const lines = [
    ...names.map((name) => `${alone} -a ${name} -d ${quoted(summary)}`),
    ...(words.length > 0 ? [`${inIt} -a ${quoted(words.join(' '))}`] : []),
    ...flags.map((flag) => `${inIt} ${flagWords(flag)}`),
  ];
  return lines.map((line) => `    complete -c $program ${line}\n`).join('');
}

function flagWords({ names, help, values }: CompletedFlag): string {
  const spellings = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  return `${spellings.join(' ')} ${argument(values)}-d ${quoted(help)}`;
}

function argument(values: CompletedFlag['values']): string {
  if (values === 'none') return '';
  if (values === 'file') return '-r -F ';
  if (values === 'folder') return `-x -a '(__fish_complete_directories)' `;
  return values === 'text' ? '-x ' : `-x -a ${quoted(values.join(' '))} `;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
