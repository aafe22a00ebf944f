import type { Server as Socket } from 'node:net';
import type { Log } from '../observe/log/log.ts';
import { identityOf } from '../os/process-identity.ts';
import { type Fulfil, openControl } from './control.ts';
import type { Fleet } from './fleet.ts';
import { forgetOldLaunches, LaunchFile } from './launch-file.ts';

interface PresenceOptions {
  /** Where clients are served. */
  readonly url: string;
  readonly logFolder: string;
  readonly fleet: Fleet;
  readonly log: Log;
  readonly fulfil: Fulfil;
}

/** How other commands of the same user find a launch while it runs, and its logs when it has ended. */
export class Presence {
  readonly #options: PresenceOptions;
  #file: LaunchFile | undefined;
  #socket: Socket | undefined;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** Never rejects: a machine where no file can be written serves all the same. */
  async open(): Promise<void> {
    const { fleet, log, fulfil } = this.#options;
    try {
      forgetOldLaunches();
      this.#file = LaunchFile.open(this.#options);
      this.#write();
      fleet.on('started', () => this.#write());
    } catch (error) {
      const problem = (error as Error).message;
      log.warning('the commands logs, restart and doctor do not find this launch', { problem });
      return;
    }
    try {
      this.#socket = await openControl(this.#file.socketPath, fulfil);
    } catch (error) {
      log.warning('the command restart does not reach this launch', { problem: (error as Error).message });
    }
  }

  /** The file stays, for `logs`. */
  close(): void {
    this.#socket?.close();
  }

  #write(): void {
    const servers = this.#options.fleet.servers.map(({ plan, url, logPath, pid }) => ({
      name: plan.name,
      url,
      logPath,
      process: pid === undefined ? undefined : identityOf(pid),
    }));
    try {
      this.#file?.write(servers);
    } catch (error) {
      // A full disk; the next start of a server tries it again.
      this.#options.log.debug('the file of this launch is not up to date', { problem: (error as Error).message });
    }
  }
}
