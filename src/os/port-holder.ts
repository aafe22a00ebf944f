import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { PROCESS_NAME, withoutSecrets } from './command-line.ts';
import { listenerOn } from './listener.ts';

/** The process that listens on a TCP port of this machine, in words; undefined where it can't be told. */
export async function portHolder(port: number): Promise<string | undefined> {
  const pid = await listenerOn(port);
  return pid === undefined ? undefined : describeHolder(pid, await commandLine(pid));
}

/** The words that a process was started with; none where they cannot be read. */
export async function commandLine(pid: number): Promise<readonly string[]> {
  const raw = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  // A process that has named itself has the name and its words in one, and nothing after it.
  if (raw.startsWith(PROCESS_NAME)) return raw.replace(/\0+$/, '').split(' ');
  return raw.split('\0').slice(0, -1);
}

/** Programs of this package, as they stand on a command line before the name of a command. */
const OURS = /(?:^|\/)(?:sglang-(?:router|launch)(?:\.mjs)?|src\/main\.ts|sglang::router)$/;
const COMMANDS: Readonly<Record<string, string>> = {
  router: 'another sglang router',
  launch: 'another sglang router',
  server: 'another sglang launch',
  'sim-engine': 'a simulated engine',
};
const LONGEST = 160;

/** Who that process is; of a program of ours which one, rather than where it is installed. */
export function describeHolder(pid: number, words: readonly string[], self = process.pid): string {
  if (pid === self) return `this program itself, pid ${pid}`;
  if (words.length === 1 && words[0] === PROCESS_NAME) return `another sglang router, pid ${pid}`;
  const program = words.findIndex((word) => OURS.test(word));
  if (program < 0) {
    const [file = '', script = '', ...rest] = words;
    const shown = inShort([basename(file), script.startsWith('/') ? basename(script) : script, ...rest]);
    return `pid ${pid} (${shown || 'unknown command'})`;
  }
  const [command = '', ...flags] = words.slice(program + 1);
  const known = COMMANDS[command];
  // `sglang-launch FLAGS` is a launch.
  const started = inShort(known === undefined ? [command, ...flags] : flags);
  const who = known ?? 'another sglang launch';
  return `${who}, pid ${pid}, ${started === '' ? 'started without flags' : `started with ${started}`}`;
}

/** The words in one line, without keys and passwords. */
function inShort(words: readonly string[]): string {
  const text = withoutSecrets(words)
    .join(' ')
    .replace(/\p{C}+/gu, ' ')
    .trim();
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
