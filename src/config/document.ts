import type { Option } from './argv.ts';
import { variablesOf } from './environment.ts';
import { LAUNCH_OPTIONS, SERVER_OPTIONS } from './launch-options.ts';
import { defaultOf, listOf } from './render.ts';
import { GROUPS, type Group } from './spec.ts';
import { optionsOf, ROUTER_OPTIONS } from './vocabulary.ts';

const INTRO = `# Options

Generated from the option table in \`src/config\`: do not edit, run \`npm run generate\`.

The router alone (\`python -m sglang_router.launch_router\`) takes the flags as they stand here. With
\`python -m sglang_router.launch_server\` each gets \`--router-\` in front (\`--router-policy\`), for a server has flags of its own;
\`--host\`, \`--port\` and \`--worker-urls\` stay as they are. The flags under "${GROUPS.launch}" are launch_server's alone.

The command line comes before the variable, the variable before the file of \`--config\`, the file before the default
([configuration.md](configuration.md)). A list in a variable is separated by spaces or commas; a switch is \`true\` or \`false\`. Flags may be shortened as long as only one begins like that.

A wrong command line, variable or file ends the command with exit code 2 before anything starts: one line says what was expected and what
came, and a hint what to write. What is allowed but surely not meant is a warning at start: a flag that another one switches off, a server that
is named twice, no workers at all, a variable \`SGLANG_ROUTER_…\` that nothing reads.`;

/** docs/options.md. */
export function document(): string {
  const options = [...optionsOf(SERVER_OPTIONS), ...optionsOf(LAUNCH_OPTIONS), ...ROUTER_OPTIONS];
  const sections = Object.keys(GROUPS).map((group) =>
    section(
      group as Group,
      options.filter(({ spec }) => spec.group === group),
    ),
  );
  return `${[INTRO, ...sections].join('\n\n')}\n`;
}

function section(group: Group, options: readonly Option[]): string {
  const rows = group === 'compat' ? options.map(compatRow) : options.map(row);
  const head = group === 'compat' ? ['Flag', 'Why'] : ['Flag', 'Type', 'Default', 'Variable', 'What it does'];
  return [`## ${GROUPS[group]}`, '', line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function row(option: Option): readonly string[] {
  const { spec, key } = option;
  return [
    spec.flags.map(code).join('<br>'),
    spec.type,
    code(spec.arity === 'none' ? 'false' : defaultOf(spec)),
    key in SERVER_OPTIONS ? '' : code(variablesOf(option)[0]!),
    `${spec.help}${listOf(spec, code)}`,
  ];
}

function compatRow({ spec }: Option): readonly string[] {
  return [spec.flags.map(code).join('<br>'), spec.help];
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function code(text: string): string {
  return text && `\`${text}\``;
}
