import { randomUUID } from 'node:crypto';

/** Sent with the router's own questions, by which it knows itself among its workers. */
export const INSTANCE_HEADER = 'x-sglang-router-instance';
export const INSTANCE = randomUUID();
