import type { Literal } from '../plan/expression.ts';
import type { Column } from '../plan/types.ts';
import type { Relation } from './relation.ts';
import type { Language } from './scope.ts';

/** A value that is bound, not written into the SQL text. */
export interface BoundValue {
  /** Of the parameter: `v1`, `v2` … */
  readonly name: string;
  readonly value: string | bigint | number | boolean | null;
}

/** Where the rows of a table come from: the inside of a FROM clause whose columns are named by `columnSql`. */
export interface TableSource {
  /** SQL of our own making that may stand after FROM; no user text. */
  readonly sql: string;
  /** The same rows with the columns of these names alone, as the catalog has them: each column that is named is planned. Absent: `sql` will do. */
  readonly sqlOf?: (names: ReadonlySet<string>) => string;
  /** The same, with the columns of `factColumn` for extents besides: dearer, since each extent is read by itself. */
  readonly extentSql?: () => string;
  /** For each catalog column by name, the SQL that reads it in its physical type. */
  readonly columns: ReadonlyMap<string, string>;
}

/** What `current_principal_details()` tells beside the names of a principal. */
export interface PrincipalDetails {
  readonly objectId: string;
  readonly tenantId: string;
  readonly displayName: string;
}

export interface RequestFacts {
  readonly now: bigint;
  readonly database: string;
  readonly cluster: string;
  readonly parameters: ReadonlyMap<string, Literal>;
  readonly principal?: string;
  readonly principalDetails?: PrincipalDetails;
  readonly memberOf?: readonly string[];
  /** Of the newest records that there were, in ticks. */
  readonly cursor?: bigint;
  /** Options of `set` statements by lower-case name; those of time are ticks. */
  readonly options?: Readonly<Record<string, string | boolean | number | null>>;
}

/** Some rows bind a value that they end up not needing, so there may be more of them than the statement names. */
export class BoundValues {
  readonly all: BoundValue[] = [];

  /** @returns `$v1::VARCHAR` and the like; the cast is not optional: an uncast bigint costs 17 times */
  add(value: BoundValue['value'], physical: string): string {
    const name = `v${this.all.length + 1}`;
    this.all.push({ name, value });
    return `$${name}::${physical}`;
  }
}

/** State of one translation. SQL text refers to bound values by name, so fragments may be put together in any order. */
export interface SqlContext {
  /** A fresh internal column name, unique in the statement: `c1`, `c2` … */
  newId(): string;
  /** @see BoundValues.add */
  bind(value: BoundValue['value'], physical: string): string;
  readonly facts: RequestFacts;
  /** The rows that calls and plans are compiled by. */
  readonly language: Language;
  /** Integer `+ - *` wrap around as in Kusto instead of raising; slower, so only after the plain form overflowed. */
  readonly wrapping: boolean;
  table(database: string, table: string, columns: readonly Column[]): TableSource;
  /** The relation of a tabular `let`. */
  reference(id: number): Relation;
  /** The rows a subquery starts from. */
  readonly context: Relation | undefined;
  within(context: Relation): SqlContext;
}
