import { hiddenTable } from '../../kql/plan/hidden-tables.ts';
import type { Policies } from './catalog-view.ts';

/** What is named in a database. A `DatabaseView` is one. */
export interface NamedPolicies {
  readonly tables: { get(name: string): Guarded | undefined };
  readonly views: { get(name: string): GuardedView | undefined };
}

interface Guarded {
  readonly name: string;
  readonly policies: Policies;
}

interface GuardedView extends Guarded {
  readonly source: string;
  readonly isOverView: boolean;
}

/** No chain of views is so long. */
const depthMax = 100;

/** Whose policies say what may be seen of something that a plan reads: a table; or a materialized view and, since whoever reads it reads rows
 * of its source, all that it is over.
 * @param table as a plan names it */
export function readEntities({ tables, views }: NamedPolicies, table: string): readonly Guarded[] {
  const hidden = hiddenTable(table);
  if (hidden?.kind !== 'view') return [tables.get(table)].filter((one) => one !== undefined);
  const chain: Guarded[] = [];
  let view = views.get(hidden.view);
  for (let depth = 0; view !== undefined && depth < depthMax; depth += 1) {
    chain.push(view);
    const source: Guarded | undefined = view.isOverView ? undefined : tables.get(view.source);
    if (source !== undefined) chain.push(source);
    view = view.isOverView ? views.get(view.source) : undefined;
  }
  return chain;
}

const guards = { row_level_security: 'row level security', restricted_view_access: 'restricted view access' } as const;

/** A policy by which not everybody sees all rows of what a plan reads, and what has it.
 * @param table as a plan names it */
export function guardOf(
  names: NamedPolicies,
  table: string,
): { readonly name: string; readonly policy: (typeof guards)[keyof typeof guards] } | undefined {
  for (const { name, policies } of readEntities(names, table))
    for (const key of ['row_level_security', 'restricted_view_access'] as const)
      if (policies[key]?.IsEnabled === true) return { name, policy: guards[key] };
  return undefined;
}
