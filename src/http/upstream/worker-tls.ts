import { getCACertificates } from 'node:tls';
// Not from undici's index; see client.ts.
import buildConnector from 'undici/lib/core/connect.js';
import { type KeyPair, type NamedFile, readAuthorities, readKeyPair } from '../tls-files.ts';
import { markReuse } from './reuse-mark.ts';

/** How connections to `https://` workers are made. */
export interface WorkerTls extends Partial<KeyPair> {
  /** Authorities trusted, those of the system included; the system's alone where undefined. */
  readonly ca?: readonly string[];
  /** False only for servers that this program started itself, on a port of the loopback interface. */
  readonly rejectUnauthorized?: false;
}

/** The flags' file names, as they were given. */
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

const UNKNOWN_AUTHORITY = 'is not signed by an authority known here; give its certificate with --ca-cert-paths';
/** Codes of OpenSSL and Node. */
const CERTIFICATE_PROBLEMS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet; are the clocks right?',
  ERR_TLS_CERT_ALTNAME_INVALID: 'is for another host name',
};

/** A connector for undici that says what is wrong with a worker's certificate. */
export function createTlsConnector(tls: WorkerTls, timeoutMs: number): buildConnector.connector {
  const { ca, ...options } = tls;
  const connect = buildConnector({ ...options, ...(ca && { ca: [...ca] }), allowH2: false, timeout: timeoutMs });
  return (target, callback) => {
    connect(target, (...[error, socket]) => {
      if (error) return callback(explain(error, target.host ?? target.hostname), null);
      // Before undici listens for errors itself and hands them on.
      socket.on('error', (error) => markReuse(error, socket));
      callback(null, socket);
    });
  };
}

function explain(error: NodeJS.ErrnoException, host: string): Error {
  const problem = CERTIFICATE_PROBLEMS[error.code ?? ''];
  if (problem !== undefined) error.message = `the certificate of ${host} ${problem} (${error.message})`;
  else if (/wrong version number|packet length too long/.test(error.message)) {
    error.message = `${host} does not speak TLS: is it http://${host}?`;
  }
  return error;
}
