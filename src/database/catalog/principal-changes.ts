import type { EntityKind, EntityPrincipal } from '../../authz/kusto-roles.ts';
import type { Guid } from '../../base/guid.ts';
import { dataError } from './data-error.ts';
import { requireGraphModel, saveGraphModel } from './graph-models.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import { databaseOf } from './image.ts';
import { requireView } from './materialized-view.ts';
import { requireTable, saveTable } from './table-changes.ts';

export interface Entity {
  readonly kind: EntityKind;
  readonly name: string;
}

type Principals = readonly EntityPrincipal[];

/** Of one entity. */
const principalsMax = 1_000;

interface Held {
  readonly principals: Principals | undefined;
  readonly save: (principals: Principals) => void;
}

/** Where each kind keeps whom it is given to: in its own record, so that they go with it and keep it under another name. */
const heldBy: Readonly<Record<EntityKind, (draft: CatalogDraft, databaseId: Guid, name: string) => Held>> = {
  table: (draft, databaseId, name) => {
    const { principals, ...table } = requireTable(draft, databaseId, name);
    return { principals, save: (next) => void saveTable(draft, { ...table, principals: next }) };
  },
  function: (draft, databaseId, name) => {
    const database = databaseOf(draft, databaseId);
    const fn = database.functions.find((one) => one.name === name);
    if (fn === undefined) throw dataError('FunctionNotFound', name.slice(0, 200));
    const save = (principals: Principals): void => {
      const functions = database.functions.map((one) => (one === fn ? { ...one, principals } : one));
      draft.put({ ...database, functions, schemaVersion: database.schemaVersion + 1 });
    };
    return { principals: fn.principals, save };
  },
  view: (draft, databaseId, name) => {
    const view = requireView(draft, databaseId, name);
    return { principals: view.principals, save: (next) => draft.put({ ...view, principals: next }) };
  },
  externalTable: (draft, databaseId, name) => {
    const database = databaseOf(draft, databaseId);
    const table = database.externalTables?.find((one) => one.name === name);
    if (table === undefined) throw dataError('ExternalTableNotFound', name.slice(0, 200));
    const save = (principals: Principals): void => {
      const externalTables =
        database.externalTables?.map((one) => (one === table ? { ...one, principals } : one)) ?? [];
      draft.put({ ...database, externalTables, schemaVersion: database.schemaVersion + 1 });
    };
    return { principals: table.principals, save };
  },
  graphModel: (draft, databaseId, name) => {
    const model = requireGraphModel(draft, databaseId, name);
    const save = (principals: Principals): void => saveGraphModel(draft, databaseId, name, { ...model, principals });
    return { principals: model.principals, save };
  },
};

/** Changes who has a role on one entity. @returns who has one then */
export function setPrincipals(
  draft: CatalogDraft,
  databaseId: Guid,
  { kind, name }: Entity,
  change: (held: Principals) => Principals,
): Principals {
  const { principals = [], save } = heldBy[kind](draft, databaseId, name);
  const next = change(principals);
  if (next.length > principalsMax && next.length > principals.length)
    throw dataError('InvalidPolicy', `At most ${principalsMax} principals have a role on one ${kind}.`);
  save(next);
  return next;
}
