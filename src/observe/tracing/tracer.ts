import type { IncomingHttpHeaders } from 'node:http';
import type { RequestRecord } from '../request-record.ts';
import type { Span } from './span.ts';
import { childOf, readTraceparent, type TraceContext, writeTraceparent } from './trace-context.ts';

/** How an attempt ended. */
interface AttemptSpanEnd {
  /** The worker's HTTP status, where it answered. */
  readonly status: number | undefined;
  /** Code of the failure, where it failed. */
  readonly errorCode: string | undefined;
}

/** One attempt at a worker, on its way. */
export interface AttemptTrace {
  /** The header `traceparent` for the worker, so that its spans hang below the attempt. */
  readonly traceparent: string;
  end(end: AttemptSpanEnd): void;
}

/** One request on its way. */
export interface RequestTrace {
  attempt(worker: string): AttemptTrace;
  end(record: RequestRecord): void;
}

/** Begins the traces of requests; `ended` takes the spans. */
export class Tracer {
  readonly #ended: (span: Span) => void;

  constructor(ended: (span: Span) => void) {
    this.#ended = ended;
  }

  /** The request's span hangs below the client's, where the request carries its context. */
  begin(record: RequestRecord, headers: IncomingHttpHeaders): RequestTrace {
    const parent = readTraceparent(headers.traceparent);
    const context = childOf(parent);
    return {
      attempt: (worker) => this.#attempt(context, record, worker),
      end: () => {
        if (context.sampled) this.#ended(requestSpan(context, parent?.spanId, record));
      },
    };
  }

  #attempt(parent: TraceContext, record: RequestRecord, worker: string): AttemptTrace {
    const context = childOf(parent);
    const startMs = wallClock(record);
    const number = record.attempts;
    return {
      traceparent: writeTraceparent(context),
      end: ({ status, errorCode }) => {
        if (!context.sampled) return;
        this.#ended({
          context,
          parentSpanId: parent.spanId,
          name: `${record.method} ${record.route}`,
          kind: 'client',
          startMs,
          endMs: wallClock(record),
          attributes: {
            'http.request.method': record.method,
            'url.full': worker + record.path,
            'http.response.status_code': status,
            'http.request.resend_count': number > 1 ? number - 1 : undefined,
            'error.type': errorCode,
          },
          error: errorCode,
        });
      },
    };
  }
}

function requestSpan(context: TraceContext, parentSpanId: string | undefined, record: RequestRecord): Span {
  const failed = record.errorCode ?? (record.status >= 500 ? String(record.status) : undefined);
  return {
    context,
    parentSpanId,
    name: `${record.method} ${record.route}`,
    kind: 'server',
    startMs: record.startedAtMs,
    endMs: record.startedAtMs + record.totalMs,
    attributes: {
      'http.request.method': record.method,
      'http.route': record.route,
      'url.path': record.path,
      'http.response.status_code': record.status || undefined,
      'error.type': failed,
      'gen_ai.request.model': record.model,
      'gen_ai.usage.input_tokens': record.promptTokens,
      'gen_ai.usage.output_tokens': record.completionTokens,
      'sglang.router.request_id': record.id,
      'sglang.router.worker': record.worker,
      'sglang.router.policy': record.policy,
      'sglang.router.reason': record.reason,
      'sglang.router.cached_tokens': record.cachedTokens,
      'sglang.router.attempts': record.attempts,
      'sglang.router.queue_ms': record.queueMs,
      'sglang.router.ttft_ms': record.firstByteMs,
    },
    error: failed,
  };
}

/** Now, on a clock that does not jump while the request runs. */
function wallClock({ startedAtMs, startedMs }: RequestRecord): number {
  return startedAtMs + performance.now() - startedMs;
}
