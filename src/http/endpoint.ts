/** The API that a path speaks: paths of one family have bodies and answers of the same form. */
export type Family =
  | 'generate'
  | 'chat'
  | 'completions'
  | 'responses'
  | 'messages'
  | 'ollama_chat'
  | 'ollama_generate'
  | 'vertex'
  | 'embeddings'
  | 'encode'
  | 'classify'
  | 'rerank'
  | 'score'
  | 'decisions'
  | 'audio'
  | 'images'
  | 'tokenize'
  | 'conversations'
  | 'info'
  | 'session'
  | 'control'
  | 'router'
  | 'other';

/** Who answers: the router itself, one worker, or every worker that is up, each once. */
type Destination = 'router' | 'one' | 'all';

/** What one worker stores and no other knows of. */
export type StoredKind = 'response' | 'conversation' | 'session';

/** How errors of the router are worded; `responses` differs from `openai` within a stream only, `flat` is `{"error": message, "code"}`. */
export type ErrorShape = 'openai' | 'responses' | 'anthropic' | 'flat';

/**
 * Who may call: everyone, who has the key of `--api-key`, who has an admin's of `--control-plane-api-keys` where there are such keys, or
 * besides these a browser that has signed in with one.
 */
export type Access = 'public' | 'key' | 'admin' | 'session';

/** What the router knows of one path. */
export interface Endpoint {
  /** `{name}` stands for one segment of the path, `{name*}` for all that is left of it. */
  readonly path: string;
  readonly family: Family;
  readonly to: Destination;
  readonly access: Access;
  readonly errors: ErrorShape;
  /** It runs the model: a request, unless it only reads, waits its turn and for a worker. */
  readonly inference: boolean;
  /** What comes back depends on the model: it must name one where workers serve several. */
  readonly ofModel: boolean;
  /** Servers take a data-parallel rank in its body; others may refuse a field that they do not know. */
  readonly takesRank: boolean;
  /** Where a worker has done it, nothing that it had cached is left. */
  readonly emptiesCache?: true;
  /** It concerns those that were removed too, while requests run on there. */
  readonly reachesDraining?: true;
  /** Its answer tells the id of something that the worker stores from now on. */
  readonly stores?: StoredKind;
  /** What it may refer to, with `{id}` in its path or in its body: it goes to the worker that stores that. */
  readonly refersTo?: readonly StoredKind[];
  /** The path under which workers serve it, where that is another. */
  readonly sentAs?: string;
  /** It may be sent again once a worker has seen it. What only reads always may. */
  readonly repeatable: boolean;
}
