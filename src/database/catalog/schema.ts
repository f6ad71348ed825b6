import type { EntityPrincipal } from '../../authz/kusto-roles.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { MappingKind, Policies } from './catalog-view.ts';

export interface TableSchema {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly folder?: string;
  readonly docstring?: string;
  /** Of a new one. */
  readonly policies?: Pick<Policies, 'ingestiontime'>;
  /** Of a new one: whoever makes it. */
  readonly principals?: readonly EntityPrincipal[];
}

export interface FunctionSchema {
  readonly name: string;
  /** With parentheses: `(n:long=5)`. */
  readonly parameters: string;
  /** With braces. */
  readonly body: string;
  readonly folder?: string;
  readonly docstring?: string;
  /** Absent: as it is, of a new one that it is none. */
  readonly view?: boolean;
  /** Of a new one: whoever makes it. */
  readonly principals?: readonly EntityPrincipal[];
}

export interface MappingSchema {
  readonly name: string;
  readonly kind: MappingKind;
  /** JSON text of the array as sent; checked here. */
  readonly mapping: string;
}
