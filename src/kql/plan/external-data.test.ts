import { afterAll, describe, expect, it } from 'vitest';
import { functionFacts } from '../language.ts';
import { createKqlParser } from '../parser/parser-client.ts';
import { parserEntry, parserSnapshots } from '../testing/parser-entry.ts';
import type { KqlCatalog } from './catalog.ts';
import { externalDataOf, inlineExternalTableOf } from './external-data.ts';

const catalog: KqlCatalog = {
  version: '1',
  cluster: 'c',
  databases: [{ name: 'db', tables: [], functions: [] }],
};
const parser = createKqlParser({
  entry: parserEntry,
  snapshots: parserSnapshots,
  limits: { textMax: 10_000, parseMsMax: 60_000 },
  functions: functionFacts,
  after: () => () => undefined,
});
afterAll(() => parser.stop());

async function tableOf(text: string): Promise<string> {
  const { results } = await parser.compile(text, 'db', catalog);
  const plan = results[0]?.plan;
  return plan?.op === 'table' ? plan.table : '';
}

describe('properties of data elsewhere', () => {
  // As the queries of several authors have them, among them nicolonsky/ITDR and LETHAL-FORENSICS/Microsoft-Analyzer-Suite.
  it.each([
    ["format='csv', ignoreFirstRecord=true", { format: 'csv', ignorefirstrecord: 'true' }],
    ['format=csv, ignoreFirstRecord=True', { format: 'csv', ignorefirstrecord: 'true' }],
    ["ingestionMapping='[]', format = multijson", { ingestionmapping: '[]', format: 'multijson' }],
  ])('with (%s)', async (properties, expected) => {
    const table = await tableOf(`externaldata (a: long)['https://h/f'] with (${properties})`);
    expect(externalDataOf(table)?.properties).toEqual(expected);
    const inline = `inline_external_table (a: long) kind=storage dataformat=csv (h'https://h/f') with (${properties})`;
    expect(inlineExternalTableOf(await tableOf(inline))?.properties).toEqual(expected);
  });

  it('are constants', async () => {
    const text = "externaldata (a: long)['https://h/f'] with (format=strcat('c', tostring(rand())))";
    await expect(parser.compile(text, 'db', catalog)).rejects.toMatchObject({ name: 'KqlError' });
  });
});
