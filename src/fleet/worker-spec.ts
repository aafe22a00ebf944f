/** The `modelId` of a worker that does not tell its model. */
export const UNKNOWN_MODEL = 'unknown';

/** What a server does in prefill/decode disaggregation; `regular` does both. */
export type Role = 'regular' | 'prefill' | 'decode';

/** What the registry is told of a worker. */
export interface WorkerSpec {
  /** `http://host:port`, with a path where the server is mounted under one. */
  readonly url: string;
  /** A UUID; made where absent. */
  readonly id?: string | undefined;
  /** Sent as a bearer token, with requests and with the router's own questions. */
  readonly apiKey?: string | undefined;
  readonly role?: Role | undefined;
  /** Prefill only: where decode servers fetch the KV cache; null where there is none, the server's own where absent. */
  readonly bootstrapPort?: number | null | undefined;
  /** The name of the model in the workers API; the server's own where absent. */
  readonly modelId?: string | undefined;
  readonly priority?: number | undefined;
  readonly cost?: number | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly disableHealthCheck?: boolean | undefined;
  /** Who named it; whoever did may take it out again. */
  readonly source?: 'static' | 'api' | 'file' | 'launch' | 'kubernetes' | 'dns' | undefined;
}

/** What of a worker can be changed in place. */
export type WorkerPatch = Pick<WorkerSpec, 'apiKey' | 'priority' | 'cost' | 'labels' | 'disableHealthCheck'>;
