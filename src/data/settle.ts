import type { Exchange } from './exchange.ts';

/** Gives back whatever the exchange still holds and, when the client has the last byte, tells those who observe; runs once, however it ended. */
export async function settle(exchange: Exchange): Promise<void> {
  const { reply, observed } = exchange;
  exchange.admittedBy?.leave(exchange);
  exchange.letBodyGo();
  await reply.flushed();
  observed.end(reply.status, reply.gone);
}
