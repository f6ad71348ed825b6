import type { SerializedKqlError } from './kql-error.ts';
import type { Column, KqlType } from './types.ts';
import type { Expression, Literal } from './expression.ts';
import type { UnionFeeds } from './union-feeds.ts';

/** A tabular expression. Plain JSON; `cols` are the output columns with the binder's names and types.
 * Column references in expressions name columns of the input by their exact KQL name.
 *
 * How to add an operator: a node here, a builder row in `process/operators-*.ts`, a compiler row in `sql/operators/*.ts`
 * (or, when rows must be walked one by one, a `RowOperator` in `rows/*.ts` reached through the `rowwise` node). */
export type Plan = { readonly cols: readonly Column[] } & PlanNode;

export type PlanNode =
  | { readonly op: 'table'; readonly database: string; readonly table: string }
  | { readonly op: 'reference'; readonly id: number }
  | { readonly op: 'context' }
  /** `describes`: what the rows tell the columns of, where those are known only once it has run. */
  | { readonly op: 'datatable'; readonly rows: readonly (readonly Expression[])[]; readonly describes?: Plan }
  | { readonly op: 'range'; readonly from: Expression; readonly to: Expression; readonly step: Expression }
  | { readonly op: 'print'; readonly items: readonly Item[] }
  | { readonly op: 'filter'; readonly input: Plan; readonly condition: Expression }
  | { readonly op: 'extend'; readonly input: Plan; readonly items: readonly Item[] }
  | { readonly op: 'project'; readonly input: Plan; readonly items: readonly Item[] }
  | { readonly op: 'select'; readonly input: Plan; readonly from: readonly string[] }
  | {
      readonly op: 'summarize';
      readonly input: Plan;
      readonly by: readonly Item[];
      readonly aggregates: readonly Item[];
    }
  | { readonly op: 'distinct'; readonly input: Plan; readonly items: readonly Item[] }
  | { readonly op: 'count'; readonly input: Plan }
  | { readonly op: 'take'; readonly input: Plan; readonly count: Expression }
  | { readonly op: 'sample'; readonly input: Plan; readonly count: Expression }
  | { readonly op: 'sampleDistinct'; readonly input: Plan; readonly count: Expression; readonly of: Expression }
  | { readonly op: 'sort'; readonly input: Plan; readonly keys: readonly SortKey[] }
  | { readonly op: 'top'; readonly input: Plan; readonly count: Expression; readonly keys: readonly SortKey[] }
  | { readonly op: 'serialize'; readonly input: Plan; readonly items: readonly Item[] }
  | JoinNode
  | LookupNode
  | UnionNode
  | MvExpandNode
  | MvApplyNode
  | MakeSeriesNode
  | ParseNode
  | ParseKvNode
  | PartitionNode
  | TopNestedNode
  | {
      readonly op: 'topHitters';
      readonly input: Plan;
      readonly count: Expression;
      readonly of: Expression;
      readonly by?: Expression;
    }
  | RowwiseNode
  /** `order` of its rows as they lie: `none` means nothing; that of `rows` may be followed from one to the next, which is what absence says. */
  | {
      readonly op: 'temporary';
      readonly name: string;
      readonly ids: readonly string[];
      readonly order?: 'none' | 'sorted' | 'rows';
    };

/** One `name = expression`. Several names when the expression yields several columns. */
export interface Item {
  readonly names: readonly string[];
  readonly expression: Expression;
}

export interface SortKey {
  readonly expression: Expression;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export const joinKinds = [
  'innerunique',
  'inner',
  'leftouter',
  'rightouter',
  'fullouter',
  'leftanti',
  'rightanti',
  'leftsemi',
  'rightsemi',
] as const;
export type JoinKind = (typeof joinKinds)[number];

/** `cols`: left then right by position (one side only for semi and anti). `on` pairs use `side: '$left' | '$right'`. */
export interface JoinNode {
  readonly op: 'join';
  readonly kind: JoinKind;
  readonly left: Plan;
  readonly right: Plan;
  readonly on: readonly JoinPair[];
}
export interface JoinPair {
  readonly left: Expression;
  readonly right: Expression;
}
/** `rightColumns`: names of the right side's columns that are kept, in the order they follow the left ones. */
export interface LookupNode {
  readonly op: 'lookup';
  readonly kind: 'leftouter' | 'inner';
  readonly left: Plan;
  readonly right: Plan;
  readonly on: readonly JoinPair[];
  readonly rightColumns: readonly string[];
}
/** `sourceColumn`: index in `cols` of `withsource`. `oneCondition`: the filter of each leg is that of `search` or `find`. */
export interface UnionNode {
  readonly op: 'union';
  readonly legs: readonly { readonly plan: Plan; readonly from: UnionFeeds; readonly source: string }[];
  readonly sourceColumn?: number;
  readonly oneCondition?: true;
}
/** `columns` are zipped. `name` is the output column. */
export interface MvColumn {
  readonly name: string;
  readonly expression: Expression;
  readonly type: KqlType;
}
export interface MvExpandNode {
  readonly op: 'mvExpand';
  readonly input: Plan;
  readonly columns: readonly MvColumn[];
  readonly bagAsArray: boolean;
  readonly indexColumn?: string;
  readonly limit?: Expression;
  /** Nobody asks in which order the rows come. */
  readonly unordered?: true;
}
/** `body` runs once for every input row, its `context` being the row's expansion: `contextCols`. */
export interface MvApplyNode extends Placed {
  readonly op: 'mvApply';
  readonly input: Plan;
  readonly columns: readonly MvColumn[];
  readonly indexColumn?: string;
  readonly limit?: Expression;
  readonly contextCols: readonly Column[];
  readonly body: Plan;
}
/** `cols`: by columns, aggregates as arrays, then the axis. */
export interface MakeSeriesNode {
  readonly op: 'makeSeries';
  readonly input: Plan;
  readonly by: readonly Item[];
  readonly aggregates: readonly {
    readonly name: string;
    readonly expression: Expression;
    readonly fallback?: Expression;
  }[];
  readonly axis: Item;
  readonly from?: Expression;
  readonly to?: Expression;
  readonly step: Expression;
  readonly nonEmpty: boolean;
}
export type ParsePart =
  | { readonly k: 'text'; readonly text: string }
  | { readonly k: 'star' }
  | { readonly k: 'capture'; readonly name: string; readonly type: KqlType };
export interface ParseNode {
  readonly op: 'parse';
  readonly input: Plan;
  readonly source: Expression;
  readonly mode: 'simple' | 'relaxed' | 'regex';
  readonly flags: string;
  readonly parts: readonly ParsePart[];
  readonly onlyMatches: boolean;
}
export interface ParseKvNode {
  readonly op: 'parseKv';
  readonly input: Plan;
  readonly source: Expression;
  readonly keys: readonly Column[];
  /** Some can be given several times. */
  readonly options: Readonly<Record<string, readonly string[]>>;
}
/** `body` runs once for every value of `by`, its `context` being the rows with that value. `keyed`: the body names that value, as
 * a column on the side `partitionSide`. `limited`: the strategy takes few values. */
export interface PartitionNode extends Placed {
  readonly op: 'partition';
  readonly input: Plan;
  readonly by: Expression;
  readonly body: Plan;
  readonly keyed?: boolean;
  readonly limited?: boolean;
}
/** Values that partition takes with its legacy strategy. */
export const legacyPartitions = 64;
export interface TopNestedNode {
  readonly op: 'topNested';
  readonly input: Plan;
  readonly levels: readonly {
    readonly count?: Expression;
    readonly of: Item;
    readonly by: Item;
    readonly descending: boolean;
    readonly others?: Expression;
  }[];
}
/** An operator that walks rows in JavaScript: scan, graph operators, plugins. `inputs` are run first; `settings` is its own
 * JSON, checked by the row operator. `dataDependent`: the columns are known only once it has run; `told`: it has told them. */
export interface RowwiseNode extends Placed {
  readonly op: 'rowwise';
  readonly name: string;
  readonly inputs: readonly Plan[];
  readonly settings: unknown;
  readonly at?: number | undefined;
  readonly dataDependent?: boolean;
  readonly told?: boolean;
}

/** Something whose rows may be kept while the text is compiled again. `place`: the stored function that it stands in, and where in its
 * text. `calls`: the places of the function calls that it was taken from, from the outermost. `stage`: what it is known by in all of
 * these compilations. */
export interface Placed {
  readonly place?: string;
  readonly calls?: readonly string[];
  readonly stage?: string;
}

/** Tabular `let`, and other tables that are named more than once. */
export interface SharedTable extends Placed {
  readonly id: number;
  readonly plan: Plan;
  /** It is computed once, whoever reads it. */
  readonly materialized: boolean;
}

/** Everything the parser made of one text. */
export interface Program {
  readonly parameters: readonly { readonly name: string; readonly type: KqlType; readonly fallback?: Literal }[];
  readonly options: Readonly<Record<string, string | boolean | number | null>>;
  readonly lets: readonly SharedTable[];
  readonly results: readonly ProgramResult[];
  /** Query parameters whose values decide what the text means: with others it is another program. */
  readonly namedBy?: readonly string[];
  /** What it does without, and why, in the engine's words. */
  readonly warnings?: readonly string[];
  /** Why the text is refused, unless this part of it tells columns that depend on data. */
  readonly refusal?: SerializedKqlError;
}
/** `visualization`: the properties of `render`, by their wire names. */
export interface ProgramResult {
  readonly name: string;
  readonly plan: Plan;
  readonly visualization?: Readonly<Record<string, string | boolean | number>>;
}
