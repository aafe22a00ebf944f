import type { TraceContext } from './trace-context.ts';

export type Attribute = string | number | undefined;

/** A span that has ended. */
export interface Span {
  readonly context: TraceContext;
  /** Absent at the root. */
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: 'server' | 'client';
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly endMs: number;
  /** Those that are undefined are left out. */
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Why it failed; undefined where it did not. */
  readonly error: string | undefined;
}
