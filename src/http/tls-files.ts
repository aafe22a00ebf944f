import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ExitError, fileProblem } from '../errors/errors.ts';

/** A certificate and its private key, as PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** A file, and the flag that named it, for messages. */
export interface NamedFile {
  readonly flag: string;
  readonly path: string;
}

/** Reads a certificate and its key. Throws a usage error when one cannot be read or they do not belong together. */
export function readKeyPair(certificate: NamedFile, privateKey: NamedFile): KeyPair {
  const pair = { cert: readFile(certificate), key: readFile(privateKey) };
  checkCertificate(certificate, pair.cert);
  try {
    createSecureContext(pair);
  } catch (cause) {
    const expected = `expected the unencrypted private key of ${certificate.path}`;
    throw refused(privateKey, `${expected}, got ${reasonOf(cause)}`, cause);
  }
  return pair;
}

/** Reads the router's certificate and key; undefined if none is given. */
export function readServingPair(certPath: string | undefined, keyPath: string | undefined): KeyPair | undefined {
  if (certPath === undefined || keyPath === undefined) return undefined;
  return readKeyPair({ flag: '--tls-cert-path', path: certPath }, { flag: '--tls-key-path', path: keyPath });
}

/** Reads certificates of authorities. Throws a usage error when one cannot be read. */
export function readAuthorities(files: readonly NamedFile[]): readonly string[] {
  return files.map((file) => {
    const pem = readFile(file);
    checkCertificate(file, pem);
    return pem;
  });
}

function readFile(file: NamedFile): string {
  try {
    return readFileSync(file.path, 'utf8');
  } catch (cause) {
    throw refused(file, `cannot read it: ${fileProblem(cause)}`, cause);
  }
}

function checkCertificate(file: NamedFile, pem: string): void {
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw refused(file, `expected a certificate in PEM form, got ${reasonOf(cause)}`, cause);
  }
}

/** The last part of OpenSSL's `error:0480006C:PEM routines::no start line`. */
function reasonOf(error: unknown): string {
  return `'${(error as Error).message.split(':').at(-1)}'`;
}

function refused({ flag, path }: NamedFile, problem: string, cause: unknown): ExitError {
  return new ExitError('usage', `${flag} ${path}: ${problem}`, { cause });
}
