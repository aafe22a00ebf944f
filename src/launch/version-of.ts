import { execa } from 'execa';

const TIMEOUT_MS = 10_000;

/** What a program answers to `--version`: `v20.1.0` → `20.1.0`; undefined where it does not. */
export async function versionOf(program: string): Promise<string | undefined> {
  const { failed, stdout } = await execa(program, ['--version'], {
    reject: false,
    stdin: 'ignore',
    timeout: TIMEOUT_MS,
  });
  return failed ? undefined : /\d+(?:\.\d+)+/.exec(stdout)?.[0];
}
