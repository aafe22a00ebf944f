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

/** Who answers: the router itself, one worker, or every worker that is up. */
type Destination = 'router' | 'one' | 'all';

/** Objects that one worker stores and no other knows of. */
export type StoredKind = 'response' | 'conversation' | 'session';

/** How errors of the router are worded; `responses` differs from `openai` within a stream only, `flat` is `{"error": message, "code"}`. */
export type ErrorShape = 'openai' | 'responses' | 'anthropic' | 'flat';

/** Who may call: everyone, holders of `--api-key`, holders of an admin key of `--control-plane-api-keys`, or also browsers that have signed in. */
export type Access = 'public' | 'key' | 'admin' | 'session';

/** What the router knows of one path. */
export interface Endpoint {
  /** `{name}` stands for one segment of the path, `{name*}` for all that is left of it. */
  readonly path: string;
  readonly family: Family;
  readonly to: Destination;
  readonly access: Access;
  readonly errors: ErrorShape;
  /** It runs the model: requests wait in the queue, unless they only read. */
  readonly inference: boolean;
  /** The answer depends on the model, which a request must name where workers serve several. */
  readonly ofModel: boolean;
  /** Servers accept a data-parallel rank in its body; on other paths they may refuse unknown fields. */
  readonly takesRank: boolean;
  /** It empties a worker's cache. */
  readonly emptiesCache?: true;
  /** It also goes to removed workers on which requests still run. */
  readonly reachesDraining?: true;
  /** The kind of object that the worker stores, and whose id the answer tells. */
  readonly stores?: StoredKind;
  /** Kinds of stored objects that its path's `{id}` or its body may refer to; it goes to the owner. */
  readonly refersTo?: readonly StoredKind[];
  /** The path at which workers serve it, if another. */
  readonly sentAs?: string;
  /** It may be retried after a worker has seen it, as reading requests always may. */
  readonly repeatable: boolean;
}
