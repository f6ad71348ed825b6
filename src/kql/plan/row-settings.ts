import type { Column, KqlType } from './types.ts';
import type { Expression } from './expression.ts';

/** Settings of `rowwise` nodes. Plugins get plain values: arguments are columns of the first input, cells of the second
 * input (one row of constants), or further inputs. */
export type PluginArgument = { readonly given?: string } & (
  | { readonly k: 'column'; readonly name: string; readonly type: KqlType }
  | { readonly k: 'constant'; readonly index: number; readonly type: KqlType }
  | { readonly k: 'table'; readonly input: number }
  | { readonly k: 'star' }
  | { readonly k: 'aggregate'; readonly name: string; readonly args: readonly Expression[]; readonly type: KqlType }
);

export interface PluginSettings {
  readonly args: readonly PluginArgument[];
  readonly options?: Readonly<Record<string, string>>;
}

export interface ScanSettings {
  readonly matchColumn: string;
  /** Columns whose values split the rows into sequences of their own. */
  readonly partitionBy: readonly string[];
  readonly declared: readonly (Column & { readonly fallback?: Expression })[];
  readonly steps: readonly {
    readonly name: string;
    readonly output: string;
    readonly condition: Expression;
    readonly assignments: readonly { readonly name: string; readonly expression: Expression }[];
  }[];
}

/** Inputs: the groups, each with `$pivot` and `$value`; one row with the value of no rows; the pivot column in its order. */
export interface PivotSettings {
  readonly groups: readonly string[];
}

/** Plugins that have a row operator. A name that is not here is refused while the text is compiled. */
export const pluginShapes: ReadonlySet<string> = new Set([
  'bag_unpack',
  'pivot',
  'narrow',
  'ipv4_lookup',
  'ipv6_lookup',
  'geo_polygon_lookup',
  'geo_line_lookup',
  'rows_near',
  'rolling_percentile',
  'dcount_intersect',
  'activity_counts_metrics',
  'activity_metrics',
  'activity_engagement',
  'new_activity_metrics',
  'sliding_window_counts',
  'session_count',
  'active_users_count',
  'basket',
  'autocluster',
  'diffpatterns',
  'sequence_detect',
  'funnel_sequence',
  'funnel_sequence_completion',
  'preview',
  'estimate_rows_count',
  'schema_merge',
  'diffpatterns_text',
]);
