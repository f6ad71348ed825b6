import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../base/json.ts';
import { differencesOf } from './differences.ts';
import { comparableOf, isFilledIn, settableOf } from './resource-shapes.ts';

const isKnown = (value: Json): boolean => typeof value !== 'string' || !value.startsWith('[');
const changes = (before: Json, after: Json): readonly string[] =>
  differencesOf(before, after, isKnown).map(({ propertyChangeType, path }) => `${propertyChangeType} ${path}`);

describe('differencesOf', () => {
  it.each<[string, Json, Json, readonly string[]]>([
    ['equal values', { a: 1, b: ['x'] }, { a: 1, b: ['x'] }, []],
    ['names in another case', { Kind: 'a' }, { kind: 'a' }, []],
    ['a new member', {}, { a: 1 }, ['Create a']],
    ['a member that goes', { a: 1 }, {}, ['Delete a']],
    ['a member that changes inside another', { p: { a: 1 } }, { p: { a: 2 } }, ['Modify p.a']],
    ['an item that changes', { l: [1, 2] }, { l: [1, 3] }, ['Array l']],
    ['what is nothing', {}, { a: null, b: {}, c: [], d: '' }, []],
    ['lists of nothing', {}, { sharing: { include: [], exclude: [], of: { a: null } } }, []],
    ['a list of something', {}, { sharing: { include: ['a'], exclude: [] } }, ['Create sharing']],
    ['a region in two ways', { location: 'East US' }, { location: 'eastus' }, []],
    ['an id in two ways', { id: '/subscriptions/A/x' }, { id: '/subscriptions/a/X/' }, []],
    ['the address of a vault', { keyVaultUri: 'https://v/' }, { keyVaultUri: 'https://v' }, []],
    ['a text in another case', { keyName: 'A' }, { keyName: 'a' }, ['Modify keyName']],
    ['what only the deployment knows', { a: 'x' }, { a: "[reference('b').c]" }, ['NoEffect a']],
  ])('sees %s', (_, before, after, expected) => {
    expect(changes(before, after)).toEqual(expected);
  });
});

describe('what of a resource is the caller’s', () => {
  const cluster = 'Microsoft.Kusto/clusters';
  const shown: JsonObject = {
    ...{ id: '/x', etag: 'e', location: 'East US', tags: {}, sku: { name: 's', tier: 'Standard', capacity: 2 } },
    identity: { type: 'SystemAssigned', principalId: 'p', tenantId: 't' },
    properties: {
      state: 'Running',
      uri: 'u',
      enablePurge: null,
      enableAutoStop: true,
      keyVaultProperties: { keyName: 'k' },
    },
  };

  it('leaves out what the service makes up, and defaults', () => {
    expect(settableOf(cluster, shown, undefined)).toEqual({
      ...{
        location: 'East US',
        sku: { name: 's', tier: 'Standard', capacity: 2 },
        identity: { type: 'SystemAssigned' },
      },
      properties: { keyVaultProperties: { keyName: 'k' } },
    });
  });

  it('tells a key that a template leaves out, and nothing of a default that it names', () => {
    const wanted = {
      location: 'eastus',
      identity: { type: 'SystemAssigned' },
      sku: { name: 's' },
      properties: { enablePurge: false, enableAutoStop: null },
    };
    const held = settableOf(cluster, shown, wanted);
    const found = differencesOf(held, comparableOf(cluster, wanted), isKnown).filter(
      ({ path }) => !isFilledIn(cluster, path),
    );
    expect(found.map(({ propertyChangeType, path }) => `${propertyChangeType} ${path}`)).toEqual([
      'Delete properties.keyVaultProperties',
    ]);
  });

  it('takes an identity that a template leaves out for one that stays', () => {
    const held = settableOf(cluster, shown, {
      location: 'eastus',
      properties: { keyVaultProperties: { keyName: 'k' } },
    });
    expect(held['identity']).toBeUndefined();
  });

  it('does not compare what is sent and never shown', () => {
    expect(
      comparableOf('Microsoft.Kusto/clusters/databases', {
        properties: { softDeletePeriodInDays: 365, hotCachePeriodInDays: 31, hotCachePeriod: 'P31D' },
      }),
    ).toEqual({ properties: { hotCachePeriod: 'P31D' } });
    expect(
      comparableOf('Microsoft.Kusto/Clusters/Databases/Scripts', { properties: { scriptContent: '.show version' } }),
    ).toEqual({ properties: {} });
    expect(comparableOf('Microsoft.KeyVault/vaults', { properties: { createMode: 'default', tenantId: 't' } })).toEqual(
      { properties: { tenantId: 't' } },
    );
  });
});
