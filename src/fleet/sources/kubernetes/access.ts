/** Headers and certificates for a connection to the API server. */
export interface ClusterAccess {
  readonly headers: Readonly<Record<string, string>>;
  /** Certificates in PEM. */
  readonly tls: {
    readonly ca?: string | Buffer;
    readonly cert?: string | Buffer;
    readonly key?: string | Buffer;
    readonly servername?: string;
    readonly rejectUnauthorized?: boolean;
  };
}

/** An API server, and access to it. */
export interface Cluster {
  readonly server: URL;
  /** Where the cluster was found, for messages. */
  readonly from: string;
  /** Read anew for each request: tokens and certificates expire. `refused` after an answer of 401. */
  access(refused: boolean): Promise<ClusterAccess>;
}
