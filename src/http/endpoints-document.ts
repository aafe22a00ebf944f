import type { Endpoint } from './endpoint.ts';
import { ENDPOINTS } from './endpoints.ts';

const INTRO = `# Paths

Generated from \`src/http/endpoints.ts\`: do not edit, run \`npm run generate\`.

What the router does with each path that it knows. Any other path goes to one worker as it is, with its query, and is sent a second time
only if it reads (GET, HEAD) or was never sent. With \`--api-key\` every path needs the key that does not say *public*;
with \`--control-plane-api-keys\` those that say *admin*, and every path that is not listed, need a key of an admin in place of that one.
Those that say *session* are for whoever may use the admin routes, or has signed in to the [dashboard](dashboard.md) with such a key.`;

interface Section {
  readonly title: string;
  readonly text: string;
  readonly has: (endpoint: Endpoint) => boolean;
}

const SECTIONS: readonly Section[] = [
  {
    title: 'Requests to the model',
    text: `One worker answers, chosen by the policy, or a prefill and a decode server. A request waits in the queue for its turn and for a worker, is
sent again where that helps ([fault-tolerance.md](fault-tolerance.md)), and names its model where workers serve several
([workers.md](workers.md#several-models)). Bodies and answers pass as they are.`,
    has: ({ inference }) => inference,
  },
  {
    title: 'What one worker keeps',
    text: `A stored response, a conversation or a session is known to the worker that made it and to no other. The router reads its id from the answer
and sends there what refers to it: by the id in the path, or in the body by \`previous_response_id\`, \`conversation\`, \`session_params.id\` or
\`session_id\`, on these paths and on those above that are marked. An id that it does not know, as after a restart, it asks all workers for,
but for sessions, which no server can be asked for. It remembers 32,768 ids at least. Such a request is not tried elsewhere while its worker
is up; when that is gone another answers, with its own error. Ranks count as workers here.`,
    has: ({ inference, stores, refersTo }) => !inference && (stores !== undefined || refersTo !== undefined),
  },
  {
    title: 'Questions to one worker',
    text: 'Any worker answers, at once or not at all. Those marked depend on the model and must name it where workers serve several.',
    has: (endpoint) => isPlain(endpoint) && endpoint.repeatable,
  },
  {
    title: 'What changes one worker',
    text: 'Sent to one worker, and never twice.',
    has: (endpoint) => isPlain(endpoint) && !endpoint.repeatable,
  },
  {
    title: 'What concerns all workers',
    text: `Sent once to every worker that is up, ready or not, to all at the same time: servers with ranks once, prefill and decode servers alike. Any method, the
body up to \`--max-payload-size\`, the whole within \`--request-timeout-secs\`; a client that leaves ends all of it, and nothing is
tried again.

| of the workers | the answer |
| --- | --- |
| there is one | is that worker's, as it is |
| all did it | 200, the fields of the first worker's answer, and \`"workers": [{"worker": URL, "answer": …}]\` with what each said; a text that all answer is passed on |
| some did it | 206, \`{"status": "partial_success", "success": false, "message", "successful": [URL], "failed": [{"worker": URL, "error"}]}\` |
| none did it | what they say, where all have the same status, and else 502 \`worker_bad_response\` with \`failed\` |
| none is up | 503 |

A worker did it if its answer is a 2xx without \`"success": false\`. Workers that are not up are named in the log: a server that starts later has
the weights and adapters that it was started with. Those marked are for one model: where workers serve several, name it with
\`?model=NAME\` or as the field \`model\`, and the workers with that model are told.`,
    has: ({ to }) => to === 'all',
  },
  {
    title: 'What the router answers',
    text: `By itself, or from what workers tell it:

| path | answer |
| --- | --- |
| \`/health\`, \`/liveness\` | 200 while the router runs |
| \`/readiness\` | 200 when requests are served (\`degraded\`: not by all workers), else 503 with the reason and the progress of each server |
| \`/dashboard\`, \`/\` in a browser | [the dashboard](dashboard.md): workers, decisions and errors, live |
| \`/health_generate\` | 200 when a worker is ready |
| \`/add_worker\`, \`/remove_worker\`, \`/list_workers\`, \`/workers\` | [workers at run time](workers.md) |
| \`/v1/models\`, \`/v1/models/NAME\` | what the healthy workers serve together; [several models](workers.md#several-models) |
| \`/model_info\`, \`/get_model_info\` | what the first healthy worker that answers says |
| \`/server_info\`, \`/get_server_info\` | the same, without the server's keys; all servers in \`prefill\` and \`decode\` where they are pairs |
| \`/v1/loads\`, \`/get_loads\` | the loads of all workers, and who did not tell |
| \`/flush_cache\` | tells every worker; 206 where some failed |
| \`/abort_request\` | tells every healthy worker; 206 where some failed |
| \`/engine_metrics\` | the metrics of all healthy workers as one text, as \`sglang_…\` and \`sglang:…\` |
| \`/metrics\` | [the router's own](observability.md#metrics) |

Who may use them:`,
    has: ({ to }) => to === 'router',
  },
];

function isPlain({ inference, to, stores, refersTo }: Endpoint): boolean {
  return !inference && to === 'one' && !stores && !refersTo;
}

/** Returns the text of docs/paths.md. */
export function document(): string {
  return `${[INTRO, ...SECTIONS.map(section)].join('\n\n')}\n`;
}

function section({ title, text, has }: Section): string {
  const rows = ENDPOINTS.filter(has).map(row);
  return [`## ${title}`, '', text, '', line(['Path', 'API', 'Notes']), line(['---', '---', '---']), ...rows].join('\n');
}

function row(endpoint: Endpoint): string {
  const { path, family, inference, ofModel, access, errors, emptiesCache, reachesDraining, sentAs } = endpoint;
  const { stores, refersTo } = endpoint;
  const notes = [
    access !== 'key' && access,
    ofModel && !inference && 'for one model',
    stores && `its worker keeps a ${stores}`,
    refersTo && inference && `may refer to a ${refersTo.join(' or a ')}`,
    emptiesCache && 'empties the cache',
    reachesDraining && 'also those that were removed, while requests run there',
    sentAs && `sent as \`${sentAs}\``,
    errors === 'anthropic' && "errors within a stream in Anthropic's form",
    errors === 'flat' && 'errors as `{"error", "code"}`',
  ];
  return line([`\`${path}\``, family.replaceAll('_', ' '), notes.filter(Boolean).join(', ')]);
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
