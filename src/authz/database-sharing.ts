/** Whose principals count in a database that follows another cluster: the leader's and the follower's, the follower's alone, or the
 * leader's alone. */
export type PrincipalsModification = 'Union' | 'Replace' | 'None';

/** Which tables, materialized views and functions of a database its follower has. */
export interface Sharing {
  readonly tables: NameSelection;
  readonly views: NameSelection;
  readonly functions: NameSelection;
}

/** Names with `*` at their ends. An empty list of included names includes all. */
export interface NameSelection {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}
