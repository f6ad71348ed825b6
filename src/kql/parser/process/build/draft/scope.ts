import type { Expression } from '../../../../plan/expression.ts';
import type { Plan } from '../../../../plan/plan.ts';
import type { Builder } from './builder.ts';
import type { Graph } from './graph.ts';
import type { LanguageSymbol, SyntaxNode } from '../../language/language.ts';
import type { Restriction } from '../../binder/restriction.ts';
import { bothRestrictions } from '../../binder/restriction.ts';

/** The symbol of a database. */
export type Entity = LanguageSymbol;

/** What a name means where it stands. */
export type Binding =
  /** `depth`: of the rows that the expression reads; it means nothing in tables inside them. */
  | { readonly k: 'scalar'; readonly expression: Expression; readonly depth?: number }
  /** `declared`: by an operator of an earlier statement (graph-to-table … as N), which the binder shows as a plain table.
   * `as`: by the operator of that name, so that columns of sources show it. */
  | { readonly k: 'table'; readonly plan: Plan; readonly declared?: true; readonly as?: true }
  | { readonly k: 'graph'; readonly graph: Graph }
  /** The database that a subquery of macro-expand runs for, and the databases it runs for in turn. */
  | { readonly k: 'entity'; readonly entity: Entity }
  | { readonly k: 'entityGroup'; readonly entities: readonly Entity[] }
  | { readonly k: 'pattern'; readonly node: SyntaxNode; readonly builder: Builder }
  /** `view`: the body of one that is a table to wildcards. */
  | {
      readonly k: 'function';
      readonly scope: Scope;
      readonly bodyStart: number;
      /** Of the builder of the declaration. */
      readonly offset: number | undefined;
      readonly restricted: boolean;
      readonly view?: SyntaxNode;
    };

export class Scope {
  readonly #bindings = new Map<string, Binding>();
  readonly #parent: Scope | undefined;
  readonly #seesAll: boolean;
  #restriction: Restriction | undefined;
  /** @param seesAll no restriction further out counts: the scope of a body from before it */
  constructor(parent?: Scope, seesAll = false) {
    this.#parent = parent;
    this.#seesAll = seesAll;
  }
  find(name: string): Binding | undefined {
    return this.#bindings.get(name) ?? this.#parent?.find(name);
  }
  /** All names that can be seen from here. */
  names(): string[] {
    return [...new Set([...(this.#parent?.names() ?? []), ...this.#bindings.keys()])];
  }
  bind(name: string, binding: Binding): void {
    this.#bindings.set(name, binding);
    this.#restriction?.declare(name);
  }
  /** Each restriction leaves less visible: a later one cannot bring back what an earlier one hides. */
  restrict(restriction: Restriction): void {
    this.#restriction = this.#restriction ? bothRestrictions(this.#restriction, restriction) : restriction;
  }
  get isRestricted(): boolean {
    return this.#restriction !== undefined || (!this.#seesAll && this.#parent?.isRestricted === true);
  }
  hides(name: string): boolean {
    if (this.#restriction) return !this.#restriction.allows(name);
    return !this.#bindings.has(name) && !this.#seesAll && this.#parent?.hides(name) === true;
  }
  hidesEntity(database: string, name: string): boolean {
    if (this.#restriction) return !this.#restriction.allowsEntity(database, name);
    return !this.#seesAll && this.#parent?.hidesEntity(database, name) === true;
  }
}
