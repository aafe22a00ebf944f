/** How spans get to a collector. */
export interface Transport {
  /** Sends one export request; rejects, with the reason in a few words, when the collector did not take it. */
  send(message: Buffer): Promise<void>;
  close(): void;
}

export interface Endpoint {
  readonly protocol: 'grpc' | 'http';
  readonly url: URL;
}

const GRPC_PORT = '4317';
const HTTP_PORT = '4318';
const HTTP_PATH = '/v1/traces';

/**
 * What `--otlp-traces-endpoint` means. The ports that OTLP has for itself decide: 4317 is gRPC, 4318 HTTP. Elsewhere
 * `http://` or `https://` before it means HTTP. Undefined where it is no address.
 */
export function readEndpoint(word: string): Endpoint | undefined {
  const withScheme = /^https?:\/\//i.test(word);
  const url = URL.parse(withScheme ? word : `http://${word}`);
  if (!url || url.hostname === '') return undefined;
  const http = url.port === HTTP_PORT || (withScheme && url.port !== GRPC_PORT);
  if (!http) return { protocol: 'grpc', url };
  if (url.pathname === '/') url.pathname = HTTP_PATH;
  return { protocol: 'http', url };
}
