// Not from undici's index; see tls-client.ts.
import buildConnector from 'undici/lib/core/connect.js';
import { markReuse } from './reuse-mark.ts';
import { isTlsRefusal, type RefusalMark, type WorkerTls } from './worker-tls.ts';

const UNKNOWN_AUTHORITY = 'is not signed by an authority known here; give its certificate with --ca-cert-paths';
/** Error code of OpenSSL or Node → what is wrong with the certificate. */
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

/** The only certificate problem that time mends. */
const MENDED_BY_TIME = 'CERT_NOT_YET_VALID';
/** Alerts (RFC 8446 §6) of a server that refuses the router's certificate or wants one; 40 is TLS 1.2's for none. */
const REFUSING_ALERT = /SSL alert number (?:40|42|43|44|45|46|48|49|116)\b/;

/** Creates a connector for undici that tells what is wrong with a certificate. */
export function createTlsConnector(tls: WorkerTls, timeoutMs: number): buildConnector.connector {
  const { ca, ...options } = tls;
  const connect = buildConnector({ ...options, ...(ca && { ca: [...ca] }), allowH2: false, timeout: timeoutMs });
  return (target, callback) => {
    const host = target.host ?? target.hostname;
    connect(target, (...[error, socket]) => {
      if (error) return callback(explain(error, host), null);
      // With TLS 1.3 a server refuses after the handshake, and undici would report only the closed connection.
      let first: Error | undefined;
      // This listener must come before undici's own.
      socket.on('error', (error) => {
        markReuse(error, socket);
        first ??= explain(error, host);
        if (isTlsRefusal(first)) refusal(error, first.message);
      });
      callback(null, socket);
    });
  };
}

function explain(error: NodeJS.ErrnoException, host: string): Error {
  const { code = '', message } = error;
  const problem = CERTIFICATE_PROBLEMS[code];
  if (problem !== undefined) refusal(error, `the certificate of ${host} ${problem} (${message})`);
  else if (/wrong version number|packet length too long/.test(message)) {
    refusal(error, `${host} does not speak TLS: is it http://${host}?`);
  } else if (REFUSING_ALERT.test(message)) {
    const [, alert] = /(?:alert )+([\w ]+?):/.exec(message) ?? [];
    refusal(error, `${host} refuses the router's certificate, or wants one (--client-cert-path): ${alert}`);
  }
  return error;
}

function refusal(error: NodeJS.ErrnoException, message: string): void {
  Object.assign(error, { message, tlsRefused: error.code !== MENDED_BY_TIME } satisfies RefusalMark & {
    message: string;
  });
}
