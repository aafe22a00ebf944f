import type { StoredKind } from '../http/endpoint.ts';

/** Body fields that name what one worker stores, by the kind of it. Of an object, its field `id`. */
export const REFERENCE_FIELDS: Readonly<Record<StoredKind, readonly string[]>> = {
  response: ['previous_response_id'],
  conversation: ['conversation'],
  session: ['session_params', 'session_id'],
};
