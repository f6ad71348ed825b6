import type { Column } from '../../../plan/types.ts';
import type { LanguageDiagnostic, SyntaxNode } from '../language/language.ts';

/** What holds for all of one compilation: bodies of functions are bound when a builder first asks for them. */
export interface BindOptions {
  readonly database: string;
  /** What the text is called in places; '' for the text as sent. */
  readonly text: string;
  /** Unions that do not say so are fuzzy. */
  readonly bestEffort: boolean;
  /** What operators have told of their columns, by their places. */
  readonly told: ReadonlyMap<string, readonly Column[]>;
  /** Values of query parameters that may name a table or a database; null for one that cannot, whose default does not count either. */
  readonly given: Readonly<Record<string, string | null>>;
  /** Those of them whose values have been looked at. */
  readonly named: Set<string>;
  /** Whether a complaint about types, in the text or in the body of a function, is a mistake to the engine as well. */
  readonly isMistake: (root: SyntaxNode, diagnostic: LanguageDiagnostic) => boolean;
}

const none: BindOptions = {
  ...{ database: '', text: '', bestEffort: false },
  ...{ told: new Map(), given: {}, named: new Set(), isMistake: () => false },
};
let current = none;

/** Of the compilation that goes on. The binder has no place of its own for them. */
export const bindOptions = (): BindOptions => current;

export function withBindOptions<T>(options: Partial<BindOptions>, compile: () => T): T {
  const before = current;
  current = { ...current, ...options };
  try {
    return compile();
  } finally {
    current = before;
  }
}
