import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { PROCESS_NAME, withoutSecrets } from './command-line.ts';

const LISTEN = '0A';

/** The process that listens on a TCP port of this machine, in words; undefined where it can't be told. */
export async function portHolder(port: number): Promise<string | undefined> {
  const inodes = await listeningInodes(port);
  if (inodes.size === 0) return undefined;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    if (await ownsSocket(pid, inodes)) return describeHolder(Number(pid), await commandLine(Number(pid)));
  }
  return undefined;
}

/** Socket inodes in state LISTEN on the port, from proc_net_tcp(5). */
async function listeningInodes(port: number): Promise<Set<string>> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readFile(table, 'utf8').catch(() => '');
    for (const line of text.split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[1]?.endsWith(suffix) && fields[3] === LISTEN && fields[9]) inodes.add(fields[9]);
    }
  }
  return inodes;
}

async function ownsSocket(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const descriptor of descriptors) {
    const link = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
    if (inode !== undefined && inodes.has(inode)) return true;
  }
  return false;
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
