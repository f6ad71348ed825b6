import type { LanguageSymbol, SyntaxNode } from '../language/language.ts';
import { toArray } from '../language/language.ts';

/** What the binder tells of a call while it looks for the call's type. */
export interface CallContext {
  readonly Arguments: unknown;
  readonly ArgumentTypes: unknown;
  readonly RowScope: LanguageSymbol | null;
}

/** @param official what the binder itself makes of the call */
export type TypeOfCall = (context: CallContext, official: (context: CallContext) => unknown) => unknown;

/** What the binder is told of a function that the builder decides itself. */
export interface TypedCall {
  readonly aliases?: readonly string[];
  /** Where the binder has another type. */
  readonly type?: TypeOfCall;
}

/** @returns the value of an argument that is a constant */
export function constantOf({ Arguments }: CallContext, place: number): unknown {
  return toArray<SyntaxNode & { readonly ConstantValue?: unknown }>(Arguments)[place]?.ConstantValue;
}
