import { getCACertificates } from 'node:tls';
import { type KeyPair, type NamedFile, readAuthorities, readKeyPair } from '../tls-files.ts';

/** How connections to `https://` workers are made. */
export interface WorkerTls extends Partial<KeyPair> {
  /** Trusted authorities, the system's included; only the system's if undefined. */
  readonly ca?: readonly string[];
  /** False only for servers that this program started itself, on a port of the loopback interface. */
  readonly rejectUnauthorized?: false;
}

/** File names as given by flags. */
export interface WorkerTlsPaths {
  readonly clientCertPath: string | undefined;
  readonly clientKeyPath: string | undefined;
  readonly caCertPaths: readonly string[];
}

/** Reads the files. Throws a usage error that names flag and file. */
export function readWorkerTls({ clientCertPath, clientKeyPath, caCertPaths }: WorkerTlsPaths): WorkerTls {
  const own = caCertPaths.map((path): NamedFile => ({ flag: '--ca-cert-paths', path }));
  const pair =
    clientCertPath !== undefined && clientKeyPath !== undefined
      ? readKeyPair(
          { flag: '--client-cert-path', path: clientCertPath },
          { flag: '--client-key-path', path: clientKeyPath },
        )
      : {};
  return { ...pair, ...(own.length > 0 && { ca: [...getCACertificates('default'), ...readAuthorities(own)] }) };
}

/** What a connection's error carries beside its code. */
export interface RefusalMark {
  /** One side refuses the other's certificate, or does not speak TLS. */
  readonly tlsRefused?: boolean;
}

/** Whether TLS fails because of how both sides are set up, so that retries fail too. */
export function isTlsRefusal(error: unknown): boolean {
  return (error as RefusalMark).tlsRefused === true;
}
