import type { RowStatement } from '../../kql/query-engine.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { BoundValue } from '../../kql/sql/context.ts';

/** `sql`: a SELECT in the engine's physical types. `statement`: the same, to be run on the connection that it is lent with. */
export type AppendRows =
  | {
      readonly kind: 'sql';
      readonly columns: readonly Column[];
      readonly sql: string;
      readonly bound: readonly BoundValue[];
    }
  | {
      readonly kind: 'statement';
      readonly statement: Pick<RowStatement, 'columns' | 'run'>;
    };
