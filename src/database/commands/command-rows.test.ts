import { describe, expect, it } from 'vitest';
import { languagePackage } from '../../kql/parser/process/language/language.ts';
import { loadLanguage } from '../../kql/parser/process/load-language.ts';
import { Command } from './command.ts';
import { commandRows } from './command-rows.ts';
import { columnsOfText } from './schema-text.ts';

/** Result schemas that the official parser carries, by kind. */
function parserSchemas(): Map<string, string> {
  loadLanguage();
  const language = languagePackage() as unknown as { readonly EngineCommands: { readonly All: unknown } };
  const { Bridge } = globalThis as unknown as {
    readonly Bridge: { toArray(list: unknown): { readonly Name: string; readonly ResultSchema: string }[] };
  };
  return new Map(Bridge.toArray(language.EngineCommands.All).map(({ Name, ResultSchema }) => [Name, ResultSchema]));
}

const listed = (text: string): string[] => columnsOfText(text).map(({ name, type }) => `${name}: ${type}`);

/** What the documentation adds to the end. */
const added: Readonly<Record<string, readonly string[]>> = {
  ShowCapacity: ['Origin: string'],
  ShowClusterDatabases: ['SuspensionState: string'],
  ShowDatabase: ['SuspensionState: string'],
  AlterDatabasePrettyName: ['Status: string'],
  DropDatabasePrettyName: ['Status: string'],
};

describe('columns of commands', () => {
  const schemas = parserSchemas();
  const rows = commandRows.flatMap((row) => Object.keys(row.kinds).map((kind) => ({ kind, row })));
  const known = rows.filter(({ kind }) => (schemas.get(kind) ?? '()') !== '()');

  it('are known for most commands', () => {
    expect(known.length).toBeGreaterThan(120);
  });

  it.each(known)('of $kind are those of the official parser', ({ kind, row }) => {
    const schema = (schemas.get(kind) ?? '').replace(/^\(|\)$/g, '');
    const columns =
      typeof row.columns === 'string' ? row.columns : row.columns(new Command({ kind, text: '', parts: [] }));
    expect(listed(columns)).toEqual([...listed(schema), ...(added[kind] ?? [])]);
  });

  it('are of kinds that the parser has, or of ours', () => {
    const own = rows.map(({ kind }) => kind).filter((kind) => !schemas.has(kind));
    expect(own.sort()).toEqual([
      ...[
        'AlterMaterializedViewPolicyMerge',
        'AlterMergeTablesPolicyRowOrder',
        'CancelQueuedIngestionOperation',
        'DeleteMaterializedViewPolicyMerge',
        'DeleteMaterializedViewPolicyRetention',
      ],
      ...['GetIngestionResources', 'GetKustoIdentityToken', 'IngestFromStorageQueued', 'ListBlobs'],
      ...['PurgeTableAllRecords', 'PurgeTableRecords', 'RefreshDatabaseTableCache', 'ShowExportContainers'],
      ...['ShowMaterializedViewPrincipalRoles', 'ShowMaterializedViewSchemaAsCsl', 'ShowPurges'],
      ...['ShowQueuedIngestionOperationDetails', 'ShowQueuedIngestionOperations'],
    ]);
  });
});
