/** A template, its parameters or an expression is wrong: what the resource manager answers with code `InvalidTemplate`. The text is the
 * service's own, without the words around it. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
  /** Where in the template it is said, from its top; for the line and column that clients are told. */
  readonly path: readonly (string | number)[] | undefined;

  constructor(text: string, path?: readonly (string | number)[]) {
    super(text);
    this.path = path;
  }
}

/** An expression needs what only the running service can say: the state of a resource, a key, a secret. */
export class NeedsRuntime extends Error {
  override readonly name = 'NeedsRuntime';
  readonly need: RuntimeNeed;

  constructor(need: RuntimeNeed) {
    super(need.key);
    this.need = need;
  }
}

export interface RuntimeNeed {
  /** Equal for equal needs. */
  readonly key: string;
  readonly method: 'GET' | 'POST';
  /** Of the resource, with what follows it for `list*` functions. */
  readonly id: string;
  /** `undefined`: that of the resource in the template. */
  readonly apiVersion: string | undefined;
  readonly body?: unknown;
  /** What of the answer is meant: `properties`, or all of it. */
  readonly full: boolean;
}

/** A documented thing that Kustody has not: told by name, never made up. */
export class NotBuiltInTemplates extends Error {
  override readonly name = 'NotBuiltInTemplates';
}
