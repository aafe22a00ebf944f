import { open } from 'node:fs/promises';
import { ExitError, fileProblem } from '../errors/errors.ts';

/** Far beyond any file of settings; whoever names a device or a model's weights by mistake is told so. */
const MOST_BYTES = 2 ** 20;

/** The text of a file that `flag` names. Throws a usage error where it cannot be read. */
export async function readTextFile(flag: string, path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const chunks: Buffer[] = [];
      let bytes = 0;
      // A pipe tells no size, so it is read until it ends or is too long.
      for await (const chunk of file.createReadStream({ autoClose: false, end: MOST_BYTES })) {
        chunks.push(chunk);
        bytes += chunk.length;
      }
      if (bytes > MOST_BYTES) throw new ExitError('usage', `${flag} ${path}: expected a file of at most 1 MB`);
      return Buffer.concat(chunks).toString();
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof ExitError) throw cause;
    throw new ExitError('usage', `${flag} ${path}: cannot read it: ${fileProblem(cause)}`, { cause });
  }
}
