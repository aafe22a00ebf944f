import { fileURLToPath } from 'node:url';

/** The path of a test certificate or key; see test/fixtures/tls/README.md. */
export function tlsFile(name: string): string {
  return fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
}
