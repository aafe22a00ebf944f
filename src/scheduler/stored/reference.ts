import type { StoredKind } from '../../http/endpoint.ts';
import type { Found } from '../../http/endpoints.ts';
import { REFERENCE_FIELDS } from '../../link/reference-fields.ts';
import type { Owners, Reference } from './owners.ts';

/** A request's body. */
interface Body {
  /** The text of a body field, or of `id` in the object there. */
  idIn(field: string): string | undefined;
}

/** The stored object that a path or a body refers to; the body is not read where no owner could be found. */
export function referenceOf({ endpoint, params }: Found, body: Body, owners: Owners): Reference | undefined {
  for (const kind of endpoint.refersTo ?? []) {
    const id = params.id ?? (mayBeFound(kind, owners) ? named(kind, body) : undefined);
    if (id !== undefined) return { kind, id };
  }
  return undefined;
}

/** Only an owner already known is found for a session, as no server can be asked. */
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
