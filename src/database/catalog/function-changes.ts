import type { Guid } from '../../base/guid.ts';
import type { FunctionView } from './catalog-view.ts';
import type { FunctionSchema } from './schema.ts';
import { dataError, entityExists } from './data-error.ts';
import { requireEntityName } from './entity-name.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import { databaseOf } from './image.ts';
import { findView } from './materialized-view.ts';
import { findTable, requireText } from './table-changes.ts';

const bodyMax = 1024 * 1024;

export type FunctionMode = 'create' | 'createIfNotExists' | 'createOrAlter' | 'alter';

export function putFunction(
  draft: CatalogDraft,
  databaseId: Guid,
  fn: FunctionSchema,
  mode: FunctionMode,
): FunctionView {
  const database = databaseOf(draft, databaseId);
  const existing = database.functions.find(({ name }) => name === fn.name);
  if (existing !== undefined && mode === 'createIfNotExists') return existing;
  if (existing !== undefined && mode === 'create') throw entityExists('ExpressionFunction', fn.name);
  if (existing === undefined && mode === 'alter') throw dataError('FunctionNotFound', fn.name.slice(0, 200));
  requireEntityName(fn.name);
  if (existing === undefined && findTable(draft, databaseId, fn.name)) throw entityExists('Table', fn.name);
  if (existing === undefined && findView(draft, databaseId, fn.name)) throw entityExists('MaterializedView', fn.name);
  if (fn.body.length + fn.parameters.length > bodyMax) throw dataError('InvalidSchema', 'The function is too long.');
  const { name, parameters, body } = fn;
  const next: FunctionView = {
    ...{ name, parameters, body },
    folder: requireText(fn.folder ?? existing?.folder ?? ''),
    docstring: requireText(fn.docstring ?? existing?.docstring ?? ''),
    ...((fn.view ?? existing?.view) === true ? { view: true } : {}),
    ...withPrincipals(existing === undefined ? fn.principals : existing.principals),
  };
  const functions =
    existing === undefined
      ? [...database.functions, next]
      : database.functions.map((one) => (one === existing ? next : one));
  draft.put({ ...database, functions, schemaVersion: database.schemaVersion + 1 });
  return next;
}

const withPrincipals = (principals: FunctionView['principals']): Pick<FunctionView, 'principals'> =>
  principals === undefined || principals.length === 0 ? {} : { principals };

export function setFunctionText(
  draft: CatalogDraft,
  databaseId: Guid,
  name: string,
  text: { readonly folder?: string; readonly docstring?: string },
): FunctionView {
  const existing = databaseOf(draft, databaseId).functions.find((fn) => fn.name === name);
  if (existing === undefined) throw dataError('FunctionNotFound', name.slice(0, 200));
  return putFunction(draft, databaseId, { ...existing, ...text }, 'alter');
}

export function dropFunctions(
  draft: CatalogDraft,
  databaseId: Guid,
  names: readonly string[],
  ifExists: boolean,
): void {
  const database = databaseOf(draft, databaseId);
  const missing = names.find((name) => !database.functions.some((fn) => fn.name === name));
  if (missing !== undefined && !ifExists) throw dataError('FunctionNotFound', missing.slice(0, 200));
  const functions = database.functions.filter(({ name }) => !names.includes(name));
  draft.put({ ...database, functions, schemaVersion: database.schemaVersion + 1 });
}
