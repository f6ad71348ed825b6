import { hiddenTable } from '../../kql/plan/hidden-tables.ts';
import type { Guid } from '../../base/guid.ts';
import type { Policies } from './catalog-view.ts';
import type { GraphModelView, GraphSnapshotView } from './graph-model.ts';

/** What is named in a database. A `DatabaseView` is one. */
export interface NamedPolicies {
  readonly tables: ReadonlyMap<string, Guarded>;
  readonly views: ReadonlyMap<string, GuardedView>;
  readonly graphModels: readonly GraphModelView[];
}

interface Guarded {
  readonly tableId: Guid;
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
 * of its source, all that it is over; or what a snapshot of a graph was made of.
 * @param table as a plan names it */
export function readEntities(names: NamedPolicies, table: string): readonly Guarded[] {
  const { tables, views } = names;
  const hidden = hiddenTable(table);
  if (hidden?.kind === 'snapshot') {
    const { reads = [] } = snapshotRead(names, table) ?? {};
    return [...tables.values(), ...views.values()].filter(({ tableId }) => reads.includes(tableId));
  }
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

/** @returns undefined where it is no snapshot of a graph */
export function snapshotRead({ graphModels }: NamedPolicies, table: string): GraphSnapshotView | undefined {
  const hidden = hiddenTable(table);
  if (hidden?.kind !== 'snapshot') return undefined;
  const model = graphModels.find(({ name }) => name === hidden.model);
  return model?.snapshots.find(({ name }) => name === hidden.snapshot);
}

const guards = { row_level_security: 'row level security', restricted_view_access: 'restricted view access' } as const;

/** A policy by which not everybody sees all rows of what a plan reads, and what has it.
 * @param table as a plan names it */
export function guardOf(
  names: NamedPolicies,
  table: string,
): { readonly name: string; readonly policy: (typeof guards)[keyof typeof guards] } | undefined {
  const snapshot = snapshotRead(names, table);
  if (snapshot?.isRestricted === true) return { name: snapshot.name, policy: guards.restricted_view_access };
  for (const { name, policies } of readEntities(names, table))
    for (const key of ['row_level_security', 'restricted_view_access'] as const)
      if (policies[key]?.IsEnabled === true) return { name, policy: guards[key] };
  return undefined;
}
