import type { ServerResponse } from 'node:http';

/** Paths counted by name; others would let clients grow the table without bound. */
const MAX_ENDPOINTS = 200;

/** Requests by endpoint and method, answers also by status. */
export class HttpCounts {
  readonly active = new Map<string, number>();
  readonly requests = new Map<string, number>();
  readonly responses = new Map<string, number>();

  /** Counts a request now, and its answer when it is over. */
  track(path: string, method: string, response: ServerResponse): void {
    const known = this.requests.size < MAX_ENDPOINTS || this.requests.has(labels(path, method));
    const key = labels(known ? path : '<other>', method);
    add(this.requests, key, 1);
    add(this.active, key, 1);
    response.on('close', () => {
      add(this.active, key, -1);
      if (response.headersSent) add(this.responses, `${key},status_code="${response.statusCode}"`, 1);
    });
  }
}

function labels(path: string, method: string): string {
  return `endpoint="${path.replace(/["\\\n]/g, '_')}",method="${method}"`;
}

function add(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
