import { describe, expect, it } from 'vitest';
import type { CatalogFunction, CatalogTable, KqlCatalog } from '../plan/catalog.ts';
import type { CatalogDifference } from './catalog-differences.ts';
import { KnownCatalogs, ToldCatalogs } from './catalog-differences.ts';

const table = (name: string): CatalogTable => ({ name, columns: [{ name: 'a', type: 'long' }] });
const [one, other] = [table('One'), table('Other')];
const fn: CatalogFunction = { name: 'F', parameters: '()', body: '{ One }' };
const catalog = (
  version: string,
  tables: readonly CatalogTable[],
  functions: readonly CatalogFunction[] = [],
): KqlCatalog => ({ version, cluster: 'c', databases: [{ name: 'db', tables, functions }] });

const wire = (difference: CatalogDifference): CatalogDifference =>
  JSON.parse(JSON.stringify(difference)) as CatalogDifference;

describe('catalogs told as differences', () => {
  it('are what they were, and say each entity once', () => {
    const [told, known] = [new ToldCatalogs(2), new KnownCatalogs()];
    const versions = [catalog('1', [one]), catalog('2', [one, other]), catalog('3', [one, other], [fn])];
    const added = versions.map((version) => {
      const difference = told.difference(version);
      if (difference === undefined) throw new Error('it is new');
      known.add(wire(difference));
      expect(known.get(version.version)).toEqual(version);
      return difference.entities.map(([, entity]) => entity);
    });
    expect(added).toEqual([[one], [other], [fn]]);
    expect(known.get('3')?.databases[0]?.tables[0]).toBe(known.get('2')?.databases[0]?.tables[0]);
    expect(told.difference(catalog('3', [one, other], [fn]))).toBeUndefined();
  });

  it('keep those that were asked for last, and what is in no other goes', () => {
    const [told, known] = [new ToldCatalogs(2), new KnownCatalogs()];
    const tell = (given: KqlCatalog): CatalogDifference | undefined => {
      const difference = told.difference(given);
      if (difference !== undefined) known.add(wire(difference));
      return difference;
    };
    tell(catalog('1', [one]));
    tell(catalog('2', [other]));
    tell(catalog('1', [one]));
    expect(tell(catalog('3', [one]))?.forget).toEqual({ versions: ['2'], entities: [2] });
    expect(known.get('2')).toBeUndefined();
    expect(known.get('1')).toEqual(catalog('1', [one]));
    expect(tell(catalog('4', [other]))?.entities.map(([, entity]) => entity)).toEqual([other]);
    expect(known.get('4')).toEqual(catalog('4', [other]));
    expect(tell(catalog('5', [other]))?.forget).toEqual({ versions: ['3'], entities: [1] });
    expect(tell(catalog('6', [one, one], [fn]))?.entities).toEqual([
      [1, one],
      [3, fn],
    ]);
  });
});
