/** One entry of `/v1/models`; whatever else the worker says of it stays. */
export interface Model {
  readonly id: string;
}

/** The answer to `/v1/models`. */
export interface ModelList {
  readonly object: 'list';
  readonly data: readonly Model[];
}

/** The models of one worker's `/v1/models`; none where it is not such a list. */
export function modelsOf(answer: unknown): readonly Model[] {
  const data = (answer as { data?: unknown } | null | undefined)?.data;
  return Array.isArray(data) ? data.filter(isModel) : [];
}

/** What the workers serve together, each model once, as the first that serves it describes it. */
export function mergeModels(answers: readonly unknown[]): ModelList {
  const models = new Map<string, Model>();
  for (const model of answers.flatMap(modelsOf)) if (!models.has(model.id)) models.set(model.id, model);
  return { object: 'list', data: [...models.values()] };
}

function isModel(entry: unknown): entry is Model {
  return typeof (entry as Model | null)?.id === 'string';
}
