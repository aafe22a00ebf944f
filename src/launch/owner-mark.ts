import { identityOf, type ProcessIdentity } from '../os/process-identity.ts';

/** In the environment of all that a launch starts, and of what that starts: who started it. */
const VARIABLE = 'SGLANG_LAUNCHER';

let own: string | undefined;

/** For the processes that this launcher starts; empty where nothing tells who it is. */
export function ownerMark(): Readonly<Record<string, string>> {
  own ??= textOf(identityOf(process.pid));
  return own === '' ? {} : { [VARIABLE]: own };
}

/** Who started a process with this environment, as `NAME=value` words; undefined where it was no launch. */
export function ownerIn(words: readonly string[]): ProcessIdentity | undefined {
  const value = words.find((word) => word.startsWith(`${VARIABLE}=`))?.slice(VARIABLE.length + 1);
  const [, space, pid, started] = /^(pid:\[\d+\])\/(\d+)\/(\d+)$/.exec(value ?? '') ?? [];
  return space === undefined ? undefined : { space, pid: Number(pid), started: Number(started) };
}

function textOf(identity: ProcessIdentity | undefined): string {
  return identity && identity.space !== '' ? `${identity.space}/${identity.pid}/${identity.started}` : '';
}
