/** What a connection to the API server shows and trusts. */
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

/** An API server, and how to be let in. */
export interface Cluster {
  readonly server: URL;
  /** Where it was found, for messages. */
  readonly from: string;
  /** Read anew for each request: tokens and certificates expire. `refused` after an answer of 401. */
  access(refused: boolean): Promise<ClusterAccess>;
}
