import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

/** The `exec` of a user in a kubeconfig: a program that prints a credential. */
export interface ExecConfig {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly provideClusterInfo?: boolean;
  readonly installHint?: string;
}

/** What such a program printed. */
export interface PluginCredential {
  readonly token: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** Longest run of a plugin, which may ask over the network. */
const TIMEOUT_MS = 30_000;
/** A credential is renewed before it expires. */
const EARLY_MS = 30_000;

/** Runs the plugin when a credential is needed, and again when that expires or is refused. */
export class ExecCredential {
  readonly #config: ExecConfig;
  readonly #folder: string;
  readonly #cluster: object;
  #kept: { readonly credential: PluginCredential; readonly untilMs: number } | undefined;

  constructor(config: ExecConfig, folder: string, cluster: object) {
    if (!config.command) throw new Error('the exec plugin of the user has no command');
    this.#config = config;
    this.#folder = folder;
    this.#cluster = cluster;
  }

  async get(refused: boolean): Promise<PluginCredential> {
    const kept = this.#kept;
    if (kept && !refused && Date.now() < kept.untilMs - EARLY_MS) return kept.credential;
    const status = await this.#run();
    const credential = { token: status.token, cert: status.clientCertificateData, key: status.clientKeyData };
    const untilMs = status.expirationTimestamp ? Date.parse(status.expirationTimestamp) : Number.POSITIVE_INFINITY;
    this.#kept = { credential, untilMs };
    return credential;
  }

  async #run(): Promise<Readonly<Record<string, string | undefined>>> {
    const { command = '', args, env, installHint } = this.#config;
    const variables = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
    try {
      // A command with a slash in it starts from the folder of its kubeconfig.
      const { stdout } = await promisify(execFile)(
        command.includes('/') ? resolve(this.#folder, command) : command,
        args,
        {
          env: { ...process.env, KUBERNETES_EXEC_INFO: JSON.stringify(this.#info()), ...variables },
          timeout: TIMEOUT_MS,
          maxBuffer: 2 ** 20,
        },
      );
      const { status } = JSON.parse(stdout);
      if (!status?.token && !status?.clientCertificateData) throw new Error('it printed no token and no certificate');
      return status;
    } catch (error) {
      const { message, stderr } = error as Error & { stderr?: string };
      const said = stderr?.trim().split('\n').at(-1) || message;
      throw new Error(`the exec plugin ${command}: ${said}${installHint ? ` (${installHint.trim()})` : ''}`, {
        cause: error,
      });
    }
  }

  #info(): object {
    const { apiVersion = 'client.authentication.k8s.io/v1', provideClusterInfo } = this.#config;
    const spec = { interactive: false, ...(provideClusterInfo && { cluster: this.#cluster }) };
    return { apiVersion, kind: 'ExecCredential', spec };
  }
}
