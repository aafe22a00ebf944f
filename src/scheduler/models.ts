import { RouterError } from '../errors/errors.ts';

/** Characters shown of a client's model name. */
const SHOWN_CHARACTERS = 200;

/** The models that the workers serve. */
export interface Models {
  /** Each model once, by the name that clients use. */
  readonly ids: readonly string[];
  /** Requests must name their model. */
  readonly several: boolean;
  /** The name by which the workers for `name` are found; undefined where nobody serves it. */
  find(name: string): string | undefined;
}

/** The model whose workers may be asked; undefined if any may, as with one model. Throws a RouterError if a request `must` name one of several and does not. */
export function modelOf(models: Models, hints: { readonly model: string | undefined }, must: boolean) {
  if (!models.several) return undefined;
  const { model } = hints;
  const found = model === undefined ? undefined : models.find(model);
  if (found !== undefined || !must) return found;
  const { ids } = models;
  const details = { param: 'model', models: ids };
  if (model !== undefined) throw modelNotFound(model, ids, details);
  throw new RouterError(
    'bad_request',
    `expected a model in the body, as a field of JSON or of a form, one of: ${ids.join(', ')}`,
    { details },
  );
}

function modelNotFound(model: string, ids: readonly string[], details: Readonly<Record<string, unknown>>): RouterError {
  const name = model.length > SHOWN_CHARACTERS ? `${model.slice(0, SHOWN_CHARACTERS)}…` : model;
  return new RouterError('model_not_found', `model ${name} is not served; there are: ${ids.join(', ')}`, { details });
}
