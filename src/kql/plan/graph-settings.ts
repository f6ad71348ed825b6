import type { KqlType } from './types.ts';

/** Which columns of the edges name the ends of an edge, and which column splits edges and nodes into separate graphs. */
export interface GraphShape {
  readonly source: string;
  readonly target: string;
  readonly partition?: string;
}

/** Inputs: the edges, then tables of nodes. Output: the node properties, `$id`, `$partition` as text, `$labels`. */
export interface GraphNodesSettings extends GraphShape {
  /** The id column of each table of nodes. */
  readonly keys: readonly string[];
  /** The property that holds the id when there is no table of nodes. */
  readonly idColumn?: string;
  /** Of several values of one property the last counts; otherwise the first. Labels are put together in any case. */
  readonly lastWins?: true;
}

export interface GraphComponentsSettings extends GraphShape {
  readonly kind: 'weak' | 'strong';
}

/** `from` and `to` are indexes of `nodes`, in the order in which the pattern is written. */
export interface PatternEdge {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly direction: 'out' | 'in' | 'any';
  readonly min: number;
  readonly max: number;
  readonly variable: boolean;
}

/** What a match puts out: a column of one node or edge, or the values of a column over the edges of a variable-length edge
 * or over the nodes inside it. */
export type PatternOutput =
  | { readonly k: 'element'; readonly element: string; readonly column: string }
  | {
      readonly k: 'list';
      readonly fold: 'map' | 'any' | 'all';
      readonly element: string;
      readonly over: 'edges' | 'inner';
      readonly column: string;
      readonly type: KqlType;
    };

/** Inputs: the nodes, the edges. A constraint is a bool column that must hold for the element (for all its edges, or all the
 * nodes inside it). */
export interface GraphMatchSettings extends GraphShape {
  readonly cycles: 'all' | 'none' | 'unique_edges';
  readonly shortest?: 'any' | 'all';
  readonly nodes: readonly string[];
  readonly edges: readonly PatternEdge[];
  readonly constraints: readonly {
    readonly element: string;
    readonly over: 'self' | 'inner';
    readonly column: string;
  }[];
  readonly outputs: readonly PatternOutput[];
}
