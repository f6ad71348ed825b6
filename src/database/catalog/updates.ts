import type { Guid } from '../../base/guid.ts';
import type { CatalogReader } from './image.ts';
import type { TableRecord } from './records.ts';
import type { UpdatePolicy } from './update-policy.ts';

/** A policy and the table that it fills. */
export interface Update {
  readonly target: TableRecord;
  readonly policy: UpdatePolicy;
}

/** Those that are enabled, by the name of the table that they fill. */
export const updatesOf = (reader: CatalogReader, databaseId: Guid): Update[] =>
  reader
    .tablesOf(databaseId)
    .flatMap((target) => (target.policies.update ?? []).map((policy) => ({ target, policy })))
    .filter(({ policy }) => policy.IsEnabled)
    .sort((left, right) => (left.target.name < right.target.name ? -1 : 1));
