import { ExitError } from '../errors/errors.ts';
import type { Given, Vocabulary } from './argv.ts';
import { readLines } from './config-file.ts';
import { grpcRefusal, speaksGrpc } from './grpc.ts';
import { AUTO } from './launch-options.ts';

const SHORT: Readonly<Record<string, string>> = { dp: 'dp-size', tp: 'tp-size', pp: 'pp-size' };

/**
 * What the servers' `--config` file, YAML as SGLang takes it, says of flags that are read here; it reaches the servers by itself.
 * Lists and maps are left out: no flag that the launcher reads has one.
 */
export async function addServerFile(given: Map<string, Given>, read: Vocabulary): Promise<void> {
  const path = given.get('serverConfig')?.occurrences.at(-1)?.[0];
  if (path === undefined) return;
  // Before the file, which has less to say.
  const before = new Set(given.keys());
  for (const { key, value, line } of await readLines('--config', path)) {
    if (typeof value !== 'string' || value === '') continue;
    const name = key.replaceAll('_', '-');
    const flag = `--${SHORT[name] ?? name}`;
    if (speaksGrpc(flag) && /^(?:true|yes|on)$/i.test(value)) throw grpcRefusal(flag);
    const option = read.get(flag);
    if (!option) continue;
    const place = `${path}, line ${line}`;
    const source = `${key} in ${place}`;
    if (option.key === 'dpSize' && value === AUTO) throw autoInFile(source);
    // Of a name that stands twice the last counts, as for SGLang.
    if (before.has(option.key)) continue;
    given.set(option.key, { source, origin: { kind: 'server file', place }, occurrences: [[value]] });
  }
}

function autoInFile(source: string): ExitError {
  return new ExitError('usage', `${source}: expected a number, got ${AUTO}, which the servers do not take`, {
    hint: `leave it out there and write --dp-size ${AUTO} on the command line`,
  });
}
