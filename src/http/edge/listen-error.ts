import { networkInterfaces } from 'node:os';
import { ExitError } from '../../errors/errors.ts';
import { portHolder } from '../../os/port-holder.ts';
import { addressesOf } from '../reach.ts';

/** The error for a command that cannot listen, with the holder of the port if it can be found. */
export async function listenError(error: NodeJS.ErrnoException, host: string, port: number): Promise<ExitError> {
  const cannot = `cannot listen on ${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (error.code === 'EADDRINUSE') {
    const holder = await portHolder(port);
    return new ExitError('port_in_use', `${cannot}: the port is in use${holder ? ` by ${holder}` : ''}`, {
      hint: 'stop that program, or choose another --port',
    });
  }
  const [reason, hint] = problemOf(error.code ?? '', port) ?? [error.message, 'choose another --host or --port'];
  return new ExitError('usage', `${cannot}: ${reason}`, { hint, cause: error });
}

/** The reason why an address cannot be listened on, and a hint. */
export function problemOf(code: string, port: number): [reason: string, hint: string] | undefined {
  const own = ['127.0.0.1', ...addressesOf(networkInterfaces(), true)].join(', ');
  switch (code) {
    case 'EACCES':
      return port < 1024
        ? ['a port below 1024 needs more rights than this user has', 'choose a --port from 1024 up']
        : ['the system does not permit it', 'choose another --port'];
    case 'EADDRNOTAVAIL':
    case 'EINVAL':
      return ['no network interface of this machine has that address', `it has ${own}; --host 0.0.0.0 is all of them`];
    case 'EAFNOSUPPORT':
      return ['this machine has no such kind of address', `it has ${own}; --host 0.0.0.0 is all of them`];
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return ['the host name is not known', `choose an address of this machine: ${own}; --host 0.0.0.0 is all of them`];
    default:
      return undefined;
  }
}
