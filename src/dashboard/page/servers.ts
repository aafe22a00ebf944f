import { address, percent, sign } from '../format.ts';
import type { ServerView, Snapshot } from '../snapshot.ts';
import { byId, create, setAttribute, setText } from './dom.ts';
import { KeyedList } from './keyed-list.ts';

const list = new KeyedList<ServerView, HTMLLIElement>(byId('servers'), ({ name }) => name, {
  make: ({ name }) =>
    create(
      'li',
      {},
      create('strong', {}, name),
      create('progress', { max: '1', 'aria-label': `start of ${name}` }),
      create('span'),
    ),
  show: (element, server) => {
    const [, bar, text] = element.children;
    setAttribute(bar!, 'value', String(server.share));
    setText(text!, textOf(server));
  },
});

/** How the servers come up; nothing once all have. */
export function showServers({ servers }: Snapshot): void {
  const starting = servers.some(({ state }) => state !== 'ready');
  byId('startup').hidden = !starting;
  list.show(starting ? servers : []);
}

function textOf({ state, phase, progress, elapsedSecs, starts, url }: ServerView): string {
  const at = state === 'starting' ? `${phase}${progress === null ? '' : ` ${percent(progress)}`}` : state;
  const again = starts > 1 ? ` · start ${starts}` : '';
  return `${sign(state)} ${at} · ${elapsedSecs.toFixed(1)} s${again} · ${address(url)}`;
}
