import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** What another command of the same user asks of a running launch. */
export interface Wish {
  readonly wish: 'restart';
  /** All of them, one after the other, where none is named. */
  readonly servers: readonly string[];
  /** Also where nobody else could serve meanwhile. */
  readonly force: boolean;
}

/** Does what is asked and tells how it goes; resolves with what went wrong, undefined when nothing did. */
export type Fulfil = (wish: Wish, tell: (line: string) => void) => Promise<string | undefined>;

/** A wish is one short line. */
const LONGEST = 65_536;

/** Listens for wishes on a socket in a folder that only this user can enter. Rejects where that cannot be. */
export async function openControl(path: string, fulfil: Fulfil): Promise<Server> {
  const server = createServer((socket) => void serve(socket, fulfil));
  server.listen(path);
  await once(server, 'listening');
  return server.unref();
}

/** Asks a running launch; `tell` hears how it goes. Resolves as `Fulfil` does; rejects where nobody answers. */
export async function ask(path: string, wish: Wish, tell: (line: string) => void): Promise<string | undefined> {
  const socket = createConnection(path);
  await once(socket, 'connect');
  socket.write(`${JSON.stringify(wish)}\n`);
  for await (const line of createInterface({ input: socket })) {
    const said = JSON.parse(line) as { readonly tell?: string; readonly done?: string | null };
    if (said.tell !== undefined) tell(said.tell);
    if (said.done !== undefined) return said.done ?? undefined;
  }
  return 'the launch ended meanwhile';
}

/** What was begun goes on when the asker leaves. */
async function serve(socket: Socket, fulfil: Fulfil): Promise<void> {
  socket.on('error', () => {});
  const say = (message: object) => void (socket.writable && socket.write(`${JSON.stringify(message)}\n`));
  const wish = await readWish(socket);
  if (wish) {
    const problem = await fulfil(wish, (tell) => say({ tell })).catch((error: Error) => error.message);
    say({ done: problem ?? null });
  }
  socket.end();
}

async function readWish(socket: Socket): Promise<Wish | undefined> {
  try {
    return wishIn(JSON.parse(await firstLine(socket)));
  } catch {
    return undefined;
  }
}

/** What comes after it is not kept. */
function firstLine(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      if (text.length <= LONGEST) text += chunk;
      if (text.includes('\n') || text.length > LONGEST) resolve(text.split('\n', 1)[0] ?? '');
    });
    socket.once('close', () => resolve(''));
  });
}

/** Undefined for what no command of ours asks. */
function wishIn(value: unknown): Wish | undefined {
  const { wish, servers, force } = value as Partial<Record<keyof Wish, unknown>>;
  const names = Array.isArray(servers) && servers.every((name) => typeof name === 'string') ? servers : undefined;
  return wish === 'restart' && names && typeof force === 'boolean' ? { wish, servers: names, force } : undefined;
}
