import { writeFileSync } from 'node:fs';
import { redacting } from '../observe/log/redact.ts';
import { PROCESS_NAME, withoutSecrets } from '../os/command-line.ts';

/** Names this process as 0.3.2 does. Its flags stay to be read after the name, without the keys among them. */
export function nameProcess(words: readonly string[], secrets: readonly (string | undefined)[]): void {
  const name = redacting(secrets, (title) => {
    process.title = title;
  });
  name([PROCESS_NAME, ...withoutSecrets(words)].join(' '));
  try {
    // The kernel's short name would be cut from the title, with the space after it.
    if (process.platform === 'linux') writeFileSync('/proc/self/comm', PROCESS_NAME);
  } catch {
    // Only scripts would have read it.
  }
}
