/** The `modelId` of a worker whose model is unknown. */
export const UNKNOWN_MODEL = 'unknown';

/** What a server does in prefill/decode disaggregation; `regular` does both. */
export type Role = 'regular' | 'prefill' | 'decode';

/** What the registry is told of a worker. */
export interface WorkerSpec {
  /** `http://host:port`, with a path where the server is mounted under one. */
  readonly url: string;
  /** A UUID; generated if absent. */
  readonly id?: string | undefined;
  /** Sent as a bearer token, with requests and with the router's own questions. */
  readonly apiKey?: string | undefined;
  readonly role?: Role | undefined;
  /** Port of a prefill server for the KV cache; null for none, the server's own if absent. */
  readonly bootstrapPort?: number | null | undefined;
  /** The model's name in the workers API; the server's own if absent. */
  readonly modelId?: string | undefined;
  readonly priority?: number | undefined;
  readonly cost?: number | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly disableHealthCheck?: boolean | undefined;
  /** The source that named it, which may remove it again. */
  readonly source?: 'static' | 'api' | 'file' | 'launch' | 'kubernetes' | 'dns' | undefined;
}

/** The fields of a worker that can be changed in place. */
export type WorkerPatch = Pick<WorkerSpec, 'apiKey' | 'priority' | 'cost' | 'labels' | 'disableHealthCheck'>;
