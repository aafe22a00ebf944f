import type { StoredKind } from '../../http/endpoint.ts';
import type { Found } from '../../http/endpoints.ts';
import { REFERENCE_FIELDS } from '../../link/reference-fields.ts';
import type { Owners, Reference } from './owners.ts';

/** A request's body. */
interface Body {
  /** The text in a field, or in the field `id` of the object there. */
  idIn(field: string): string | undefined;
}

/** What the request refers to: by its path, or in its body, which is not looked into where nothing of that kind can be known. */
export function referenceOf({ endpoint, params }: Found, body: Body, owners: Owners): Reference | undefined {
  for (const kind of endpoint.refersTo ?? []) {
    const id = params.id ?? (mayBeFound(kind, owners) ? named(kind, body) : undefined);
    if (id !== undefined) return { kind, id };
  }
  return undefined;
}

/** No server can be asked for a session. */
function mayBeFound(kind: StoredKind, owners: Owners): boolean {
  return kind !== 'session' || owners.knowsAny(kind);
}

function named(kind: StoredKind, body: Body): string | undefined {
  for (const field of REFERENCE_FIELDS[kind]) {
    const id = body.idIn(field);
    if (id !== undefined) return id;
  }
  return undefined;
}
