import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArmError } from './arm-error.ts';
import type { ArmMethod, ArmOperation, ArmProvider } from './arm-operation.ts';
import { parsePath, scopeOfPath } from './resource-path.ts';
import { createRouter } from './router.ts';

const row = (id: string, method: ArmMethod, path: string): ArmOperation => ({
  id,
  method,
  path,
  action: null,
  handle: () => Promise.resolve({ status: 200 }),
});

const rows: readonly ArmOperation[] = [
  row('Thing_Get', 'GET', '/subscriptions/{s}/resourceGroups/{g}/providers/Micro.Soft/things/{thing}'),
  row('Thing_Put', 'PUT', '/subscriptions/{s}/resourceGroups/{g}/providers/Micro.Soft/things/{name}'),
  row('Thing_Special', 'GET', '/subscriptions/{s}/resourceGroups/{g}/providers/Micro.Soft/things/special'),
  row('Part_Get', 'GET', '/subscriptions/{s}/resourceGroups/{g}/providers/Micro.Soft/things/{t}/parts/{p}'),
  row('Part_OfSpecial', 'GET', '/subscriptions/{s}/resourceGroups/{g}/providers/Micro.Soft/things/special/bits/{b}'),
  row('Thing_Stop', 'POST', '/subscriptions/{s}/resourceGroups/{g}/providers/Micro.Soft/things/{t}/stop'),
  row('Ext_List', 'GET', '{scope}/providers/Micro.Soft/marks'),
  row('Ext_Get', 'GET', '{scope}/providers/Micro.Soft/marks/{mark}'),
  row('Sub_Things', 'GET', '/subscriptions/{s}/providers/Micro.Soft/things'),
  row('Sub_Marks', 'GET', '/subscriptions/{s}/providers/Micro.Soft/marks/fixed'),
];

const providerOf = (operations: readonly ArmOperation[]): ArmProvider => ({
  namespace: 'Micro.Soft',
  resourceTypes: ['things', 'things/parts', 'marks'].map((resourceType) => ({
    resourceType,
    apiVersions: [resourceType === 'things/parts' ? '2020-02-02' : '2020-01-01'],
    locations: ['East US'],
  })),
  operations,
});

const find = (path: string, method = 'GET', operations = rows) =>
  createRouter([providerOf(operations)]).find(method, parsePath(path), '2020-01-01');

const group = '/subscriptions/S/resourceGroups/G';

describe('router', () => {
  it.each([
    [
      `${group}/providers/Micro.Soft/things/One`,
      'Thing_Get',
      { s: 'S', g: 'G', thing: 'One' },
      `${group}/providers/Micro.Soft/things/One`,
    ],
    [
      `${group}/providers/Micro.Soft/things/SPECIAL`,
      'Thing_Special',
      { s: 'S', g: 'G' },
      `${group}/providers/Micro.Soft/things/SPECIAL`,
    ],
    [
      `${group}/providers/Micro.Soft/things/special/parts/p`,
      'Part_Get',
      { s: 'S', g: 'G', t: 'special', p: 'p' },
      `${group}/providers/Micro.Soft/things/special/parts/p`,
    ],
    [
      `//subscriptions/S//resourcegroups/G/PROVIDERS/micro.soft//things/a%20b/`,
      'Thing_Get',
      { s: 'S', g: 'G', thing: 'a b' },
      '/subscriptions/S/resourcegroups/G/PROVIDERS/micro.soft/things/a b',
    ],
    [`/subscriptions/S/providers/Micro.Soft/things`, 'Sub_Things', { s: 'S' }, '/subscriptions/S'],
    [`/subscriptions/S/providers/Micro.Soft/marks`, 'Ext_List', { scope: '/subscriptions/S' }, '/subscriptions/S'],
    [
      `/subscriptions/S/providers/Micro.Soft/marks/fixed`,
      'Sub_Marks',
      { s: 'S' },
      '/subscriptions/S/providers/Micro.Soft/marks/fixed',
    ],
    [`/providers/Micro.Soft/marks/m`, 'Ext_Get', { scope: '/', mark: 'm' }, '/'],
    [
      `${group}/providers/Micro.Soft/things/t/providers/Micro.Soft/marks/m`,
      'Ext_Get',
      { scope: `${group}/providers/Micro.Soft/things/t`, mark: 'm' },
      `${group}/providers/Micro.Soft/things/t`,
    ],
  ])('dispatches %s to %s', (path, id, params, scope) => {
    const route = find(path);
    expect(route.operation.id).toBe(id);
    expect(route.params).toEqual(params);
    expect(route.scope).toBe(scope);
  });

  it('authorizes an action at its resource', () => {
    expect(find(`${group}/providers/Micro.Soft/things/t/stop`, 'POST').scope).toBe(
      `${group}/providers/Micro.Soft/things/t`,
    );
  });

  it('finds the same row whatever the order of the table', () => {
    const paths = [
      `${group}/providers/Micro.Soft/things/special`,
      `${group}/providers/Micro.Soft/things/special/parts/p`,
      '/subscriptions/S/providers/Micro.Soft/marks/fixed',
    ];
    const ids = paths.map((path) => find(path).operation.id);
    fc.assert(
      fc.property(fc.shuffledSubarray([...rows], { minLength: rows.length }), (shuffled) => {
        expect(paths.map((path) => find(path, 'GET', shuffled).operation.id)).toEqual(ids);
      }),
    );
  });

  it.each([
    ['GET', '/subscriptions/S/providers/Micro.Nothing/things', 'InvalidResourceNamespace'],
    ['GET', `${group}/providers/Micro.Soft/toys/t`, 'InvalidResourceType'],
    ['DELETE', `${group}/providers/Micro.Soft/things/t`, 'MethodNotAllowed'],
    ['GET', '/elsewhere', 'MissingSubscription'],
    ['GET', '/', 'MissingSubscription'],
  ])('%s %s: %s', (method, path, code) => {
    expect(() => find(path, method)).toThrow(expect.objectContaining({ code }) as Error);
  });

  it('takes only the api-versions of the type', () => {
    const router = createRouter([providerOf(rows)]);
    const route = router.find('GET', parsePath(`${group}/providers/Micro.Soft/things/t/parts/p`), '2020-02-02');
    expect(() => router.requireApiVersion(route, '2020-02-02')).not.toThrow();
    expect(() => router.requireApiVersion(route, '2020-01-01')).toThrow(
      "No registered resource provider found for location 'null' and API version '2020-01-01' for type 'things/parts'. The supported api-versions are '2020-02-02'. The supported locations are 'eastus'.",
    );
  });

  it('refuses two rows for one method and path', () => {
    expect(() =>
      createRouter([providerOf([...rows, row('Again', 'GET', '/SUBSCRIPTIONS/{x}/providers/micro.soft/Things')])]),
    ).toThrow('one row per method and path');
  });

  it('never throws anything but its own errors, whatever the path', () => {
    const router = createRouter([providerOf(rows)]);
    const piece = fc.oneof(
      fc.constantFrom(
        'subscriptions',
        'providers',
        'Micro.Soft',
        'things',
        'marks',
        'resourceGroups',
        '..',
        '%2f',
        '%',
        '',
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        try {
          const segments = parsePath(`/${pieces.join('/')}`);
          scopeOfPath(segments);
          router.find('GET', segments, '2020-01-01');
        } catch (error) {
          expect(error).toBeInstanceOf(ArmError);
        }
      }),
    );
  });
});

describe('a name with an encoded slash', () => {
  const inThings = `${group}/providers/Micro.Soft/things/a%2Fb`;

  it('reaches no row, whatever else the path says', () => {
    for (const path of [
      inThings,
      `${inThings}/stop`,
      '/subscriptions/a%2fb',
      `${group}%2F..%2FH/providers/Micro.Soft/things/t`,
    ])
      expect(() => find(path)).toThrow('The request URI is malformed.');
  });

  it('is refused in the words of its provider, if it has any', () => {
    const provider = { ...providerOf(rows), namedWithSlash: () => new ArmError(404, 'ResourceNotFound', 'none such') };
    const route = () => createRouter([provider]).find('GET', parsePath(inThings), '2020-01-01');
    expect(route).toThrow('none such');
  });
});

describe('parsePath', () => {
  it.each(['/a/%2e%2e/b', '/a/%00', '/a/%', '/a/b%5Cc', `/${'a'.repeat(513)}`, `/${'a/'.repeat(65)}`])(
    'refuses %j',
    (path) => {
      expect(() => parsePath(path)).toThrow(ArmError);
    },
  );

  it('decodes once', () => {
    expect(parsePath('/a%2520b/%E2%82%AC')).toEqual(['a%20b', '€']);
  });
});
