import { once } from 'node:events';
import { createServer } from 'node:net';

/** Why nobody could listen there now; undefined where it is free. Port 0 always is. */
export async function listenProblem(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  const listener = createServer();
  try {
    listener.listen({ host, port });
    await once(listener, 'listening');
    listener.close();
    await once(listener, 'close');
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}
