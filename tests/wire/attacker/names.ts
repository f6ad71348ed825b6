import { expect, it } from 'vitest';
import { sample } from '../../support/sample.ts';
import type { Attacked, Outcome } from './attacked.ts';
import { audiences, db, hosts, outcome } from './attacked.ts';

type Plane = 'arm' | 'vault' | 'cluster';
const kelvin = '%E2%84%AA'; // K, whose lower case is the letter k
const fullWidth = '%EF%BD%8B'; // ｋ

/** A request whose path goes out byte by byte. The routers alone: src/http/plane-app.test.ts, src/arm/router.test.ts. */
async function send(attacked: Attacked, plane: Plane, method: string, path: string, body = ''): Promise<Outcome> {
  const token = await attacked.tokenFor(audiences[plane]);
  const head = [
    ...[`${method} ${path} HTTP/1.1`, `host: ${hosts[plane]}`, `authorization: Bearer ${token}`],
    ...['accept: application/json', 'content-type: application/json', `content-length: ${Buffer.byteLength(body)}`],
    ...['connection: close', '', ''],
  ];
  const text = await attacked.raw(hosts[plane], Buffer.from(head.join('\r\n'), 'latin1'), body);
  expect(text.toLowerCase()).not.toContain('\nx-evil');
  const [start = '', ...rest] = text.split('\r\n\r\n');
  return outcome(Number(/^HTTP\/1\.1 (\d{3}) /.exec(start)?.[1]), rest.join('\r\n\r\n'));
}

const bad = [400, 'BadParameter'] as const;
const none = [404, 'NotFound'] as const;
const noKey = [404, 'KeyNotFound'] as const;
const vaultPaths: readonly (readonly [string, number, string])[] = [
  ['/keys/k%2f..%2fk', ...bad],
  ['/keys/..%2fk', ...bad],
  ['/keys/%2e%2e/k', ...bad],
  ['/keys/%2e', ...bad],
  ['/keys/../keys/k', ...bad],
  ['/keys/./k', ...bad],
  ['/keys/k/..', ...bad],
  ['/keys/k/%00', ...bad],
  ['/keys/k%00', ...bad],
  ['/keys/k%0d%0aX-Evil:1', ...bad],
  ['/keys/%c0%ae%c0%ae', ...bad],
  ['/keys/%c1%ab', ...bad],
  ['/keys/%f0%82%82%ab', ...bad],
  ['/keys/%ed%a0%80', ...bad],
  ['/keys/%u006b', ...bad],
  ['/keys/k%', ...bad],
  [`/keys/${fullWidth}`, ...bad],
  [`/keys/${kelvin}`, ...bad],
  [`/${kelvin}eys/k`, ...bad],
  [`/${fullWidth}eys/k`, ...none],
  ['/keys/k%20', ...bad],
  ['/keys/k%5c..', ...bad],
  ['/keys\\k', ...none],
  ['/keys/k;x=1', ...bad],
  ['/keys/k%3fapi-version=7.4', ...bad],
  ['/keys/k%23', ...bad],
  [`/keys/${'k'.repeat(5_000)}`, ...bad],
  ['/keys/__proto__', ...bad],
  ['/keys/constructor', ...noKey],
  ['/keys/toString', ...noKey],
  ['/keys/k/__proto__', ...bad],
  ['/__proto__/k', ...none],
  ['/constructor', ...none],
  ['/subscriptions', ...none],
  ['/v1/rest/query', ...none],
  ['/healthz', ...none],
  ['/environment', ...none],
];

const uri = [400, 'InvalidRequestUri'] as const;
const absent = [404, 'ResourceNotFound'] as const;
/** Below the group's clusters, or from the root. */
const armPaths: readonly (readonly [string, number, string])[] = [
  ['{C}/..%2fclusters%2fattacked', ...uri],
  ['{C}/../clusters/attacked', ...uri],
  ['{C}/%2e%2e', ...uri],
  ['{C}/attacked%2fdatabases%2fdb1', ...uri],
  ['{C}/attacked%5cdatabases', ...uri],
  ['{C}/attacked%00', ...uri],
  ['{C}/attacked%0d%0aX-Evil:1', ...uri],
  ['{C}/%c0%ae%c0%ae', ...uri],
  [`{C}/attac${kelvin}ed`, ...uri],
  [`{C}/attac${fullWidth}ed`, ...absent],
  ['{C}/attacked;x=1', ...absent],
  ['{C}/attacked/databases/db1%20', ...absent],
  ['{C}/attacked/databases/__proto__', ...absent],
  ['{C}/attacked/databases/constructor', ...absent],
  ['{C}/__proto__', ...absent],
  ['{C}/toString', ...absent],
  ['{G}/providers/__proto__/clusters/x', 404, 'InvalidResourceNamespace'],
  ['{G}/providers/constructor/x/y', 404, 'InvalidResourceNamespace'],
  ['{G}/providers/Microsoft.Kusto/constructor/x', 404, 'InvalidResourceType'],
  ['/subscriptions/__proto__', 400, 'InvalidSubscriptionId'],
  ['/subscriptions/../subscriptions', ...uri],
  ['/keys/k', 404, 'MissingSubscription'],
  ['/v1/rest/query', 404, 'MissingSubscription'],
  ['/healthz', 404, 'MissingSubscription'],
  ['/environment', 404, 'MissingSubscription'],
  ['/common/oauth2/v2.0/token', 404, 'MissingSubscription'],
  ['/metadata/identity/oauth2/token', 404, 'MissingSubscription'],
  ['//login.microsoftonline.com/common', 404, 'MissingSubscription'],
];

const noDatabase = [400, 'BadRequest_DatabaseNotExist'] as const;
const noTable = [400, 'BadRequest_EntityNotFound'] as const;
const clusterPaths: readonly (readonly [string, number, string])[] = [
  ['/v1/rest/../rest/ping', ...none],
  ['/v1/rest/%2e%2e/rest/ping', ...none],
  ['/v1/rest/ping%00', ...none],
  ['/v1/rest/%EF%BD%90ing', ...none],
  [`/v1/rest/ping${kelvin}`, 400, 'General_BadRequest'],
  ['/v1/rest/__proto__', ...none],
  ['/keys/k', ...none],
  ['/subscriptions', ...none],
  ['/healthz', ...none],
  ['/v1/rest/ingest/../db1/Rows?streamFormat=csv', ...none],
  ['/v1/rest/ingest/db1%2fRows/x?streamFormat=csv', ...noDatabase],
  ['/v1/rest/ingest/__proto__/Rows?streamFormat=csv', ...noDatabase],
  ['/v1/rest/ingest/constructor/toString?streamFormat=csv', ...noDatabase],
  ['/v1/rest/ingest/db1/Rows%00?streamFormat=csv', ...noTable],
  ['/v1/rest/ingest/db1/..%2f..%2fmgmt?streamFormat=csv', ...noTable],
  ['/v1/rest/ingest/db1/__proto__?streamFormat=csv', ...noTable],
  ['/v1/rest/ingest/db1/constructor?streamFormat=csv', ...noTable],
  ['/v1/rest/ingest/db1/%C0%AE?streamFormat=csv', 400, 'General_BadRequest'],
  ['/v1/rest/ingest/db1/Rows?streamFormat=__proto__', 400, 'BadRequest_FormatNotSupported'],
  ['/v1/rest/ingest/db1/Rows?streamFormat=constructor', 400, 'BadRequest_FormatNotSupported'],
  ['/v1/rest/ingest/db1/Rows?streamFormat=csv%00', 400, 'BadRequest_FormatNotSupported'],
  ['/v1/rest/ingest/db1/Rows?streamFormat=csv&mappingName=__proto__', 400, 'BadRequest_MappingReferenceWasNotFound'],
  ['/v1/rest/ingest/db1/Rows?streamFormat=csv&mappingName=toString', 400, 'BadRequest_MappingReferenceWasNotFound'],
];

const keyBodies: readonly string[] = [
  ...[
    '{"__proto__":{"kty":"RSA"}}',
    '{"kty":"RSA","tags":{"__proto__":"x"}}',
    '{"kty":"RSA","tags":{"\\u005f_proto__":"x"}}',
  ],
  ...[
    '{"kty":"__proto__"}',
    '{"kty":"toString"}',
    '{"constructor":{"prototype":{"kty":"RSA"}}}',
    '{"kty":{"toString":"RSA"}}',
  ],
  ...[
    '{"kty":"RSA","key_ops":["constructor"]}',
    '{"kty":"RSA","key_ops":"toString"}',
    '{"kty":"RSA","key_size":1e999}',
  ],
  ...['{"kty":"RSA","key_size":20480000000000000000}', '{"kty":"RSA","attributes":{"exp":1e999}}'],
  ...[
    '{"kty":"RSA","attributes":{"exp":99999999999999999999}}',
    '{"kty":"RSA","attributes":[]}',
    '{"kty":"RSA"}{"kty":"RSA"}',
  ],
  ...['{"kty":"RSA","x":NaN}', "{'kty':'RSA'}", '{"kty":"RSA",}', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
];
const content = [400, 'InvalidRequestContent'] as const;
/** Whole bodies for the cluster or, with `location`, for its group. */
const armBodies: readonly (readonly [string, number, string])[] = [
  ['{"location":"eastus","__proto__":{"tags":{"polluted":"1"}}}', ...content],
  ['{"location":"eastus","tags":{"__proto__":"x"}}', ...content],
  ['{"location":"eastus","tags":{"\\u005f\\u005fproto__":"x"}}', ...content],
  ['{"location":{"toString":"eastus"}}', ...content],
  ['{"location":1e999}', ...content],
  ['{"location":"eastus","tags":[["a","b"]]}', ...content],
  ['{"location":"constructor"}', 409, 'InvalidResourceGroupLocation'],
  ['{"location":"eastus","location":"westus"}', 409, 'InvalidResourceGroupLocation'],
  ['{"properties":{"__proto__":{"x":1}}}', ...content],
  ['{"properties":{"constructor":{"prototype":{"polluted":1}}}}', 200, ''],
  ['{"sku":{"name":"constructor","tier":"Standard"}}', 400, 'BadRequest'],
  ['{"sku":{"name":"Standard_E8ads_v5","tier":"Standard","capacity":1e999}}', 400, 'BadRequest'],
  ['{"sku":{"name":"Standard_E8ads_v5","tier":"Standard","capacity":99999999999999999999}}', 400, 'BadRequest'],
  ['{"identity":{"type":"constructor"}}', 400, 'InvalidIdentity'],
  ['{"identity":{"type":"UserAssigned","userAssignedIdentities":{"__proto__":{}}}}', ...content],
  ['{"identity":{"type":"UserAssigned","userAssignedIdentities":{"constructor":{}}}}', 400, 'LinkedInvalidPropertyId'],
  [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, ...content],
];

const request = (more: object): string => JSON.stringify({ db, csl: 'print 1', ...more });
const asked = (parameter: string, value: string): string =>
  `{"db":"${db}","csl":"declare query_parameters(${parameter}); print x","properties":{"Parameters":{"x":${value}}}}`;
const general = [400, 'General_BadRequest'] as const;
const queryBodies: readonly (readonly [string, number, string])[] = [
  ['{"db":"__proto__","csl":"print 1"}', ...noDatabase],
  ['{"db":"constructor","csl":"print 1"}', ...noDatabase],
  ['{"db":"db1\\u0000","csl":"print 1"}', ...noDatabase],
  ['{"db":"db1;db2","csl":"print 1"}', ...noDatabase],
  ['{"db":"ｄb1","csl":"print 1"}', ...noDatabase],
  ['{"db":"../db1","csl":"print 1"}', ...noDatabase],
  [request({ properties: '{"__proto__":{}}' }), ...general],
  [`{"db":"${db}","csl":"print 1","properties":{"Options":{"__proto__":1}}}`, ...general],
  [request({ properties: { Options: { truncationmaxrecords: -1 } } }), ...general],
  [request({ csl: 'declare query_parameters(toString:long); print toString' }), ...general],
  [request({ csl: 'declare query_parameters(constructor:string); print constructor' }), ...general],
  [request({ csl: 'print __proto__(1)' }), ...general],
  [request({ csl: 'print toString(1)' }), ...general],
  [request({ csl: 'print hasOwnProperty = 1 | where hasOwnProperty == 1' }), ...general],
  [request({ csl: 'print __proto__ = 1 | where __proto__ == 1' }), ...general],
  [request({ csl: 'print 1 | evaluate constructor()' }), ...general],
  [request({ csl: 'print 1 | render __proto__' }), 400, 'General_BadRequest'],
  [request({ csl: 'print 99999999999999999999' }), ...general],
  [asked('x:long', '1e999'), ...general],
  [asked('x:long', '12345678901234567890'), ...general],
  [asked('x:int', '2147483648'), ...general],
];

const shown = (rows: readonly (readonly [string, number, string])[]) =>
  rows.map(([body, status, code]) => [body.slice(0, 90), status, code, body] as const);

export function describeNames(attacked: () => Attacked): void {
  const expected = (status: number, code: string) => ({ status, code });

  it.each(sample(vaultPaths, 8, 'vaultPaths'))('the vault at %s: %i %s', async (path, status, code) => {
    expect(await send(attacked(), 'vault', 'GET', `${path}?api-version=7.4`)).toMatchObject(expected(status, code));
  });

  it.each(sample(armPaths, 8, 'armPaths'))('the resource manager at %s: %i %s', async (path, status, code) => {
    const { group } = attacked();
    const full = path.replace('{C}', `${group}/providers/Microsoft.Kusto/clusters`).replace('{G}', group);
    const version = full.includes('Kusto') ? '2024-04-13' : '2021-04-01';
    const answer = await send(attacked(), 'arm', 'GET', `${full}?api-version=${version}`);
    expect(answer).toMatchObject(expected(status, code));
  });

  it.each(sample(clusterPaths, 8, 'clusterPaths'))('the cluster at %s: %i %s', async (path, status, code) => {
    const method = path.includes('/ingest/') ? 'POST' : 'GET';
    expect(await send(attacked(), 'cluster', method, path, '5,five')).toMatchObject(expected(status, code));
  });

  it.each([
    ...['attacked--vault', 'attackedvault-', '1attackedvault', 'v', 'a'.repeat(25), '..', 'x%2fy', '%EF%BD%81ttacker'],
    ...['attacker%00', 'attacker.vault', 'attacker%2evault.azure.net%2f', 'attacker@x', '__proto__'],
  ])('no vault and no cluster is called %s', async (name) => {
    const properties = {
      tenantId: attacked().owner.tenantId,
      sku: { family: 'A', name: 'standard' },
      accessPolicies: [],
    };
    const sku = { name: 'Standard_E8ads_v5', tier: 'Standard', capacity: 2 };
    for (const [path, body] of [
      [`Microsoft.KeyVault/vaults/${name}`, { location: 'eastus', properties }],
      [`Microsoft.Kusto/clusters/${/^attacked/.test(name) ? 'x' : name}`, { location: 'eastus', sku }],
    ] as const) {
      const target = `${attacked().group}/providers/${path}`;
      const version = path.includes('Vault') ? '2023-02-01' : '2024-04-13';
      const answer = await send(attacked(), 'arm', 'PUT', `${target}?api-version=${version}`, JSON.stringify(body));
      expect(answer.status).toBe(400);
      expect(answer.code).not.toBe('');
    }
  });

  it.each(sample(keyBodies, 8, 'keyBodies').map((body) => [body.slice(0, 60), body]))(
    'no key is made of %s',
    async (_shown, body = '') => {
      const answer = await send(attacked(), 'vault', 'POST', '/keys/made/create?api-version=7.4', body);
      expect(answer).toMatchObject(expected(...bad));
      expect((await attacked().vault('GET', '/keys/made')).status).toBe(404);
    },
  );

  it.each(sample(shown(armBodies), 8, 'armBodies'))(
    'the resource manager takes %s for what it is: %i %s',
    async (_shown, status, code, body) => {
      const { group, cluster } = attacked();
      const [method, target] = body.includes('"location"') ? (['PUT', group] as const) : (['PATCH', cluster] as const);
      const version = target === group ? '2021-04-01' : '2024-04-13';
      const answer = await send(attacked(), 'arm', method, `${target}?api-version=${version}`, body);
      expect(answer).toMatchObject(expected(status, code));
      // Had a prototype been changed, every object would show it.
      for (const { text } of [await attacked().arm('GET', group), await attacked().arm('GET', cluster)])
        expect(text).not.toContain('polluted');
    },
  );

  it.each(sample(shown(queryBodies), 8, 'queryBodies'))(
    'the cluster takes %s for what it is: %i %s',
    async (_shown, status, code, body) => {
      expect(await send(attacked(), 'cluster', 'POST', '/v1/rest/query', body)).toMatchObject(expected(status, code));
    },
  );

  it.each([
    ['constructor', 'toString', 'valueOf', 'isPrototypeOf'],
    ['a--b', 'select', 'main', 'rowid'],
    ['ｋeys', 'K', 'naïve', 'position'],
  ])('%s, %s, %s and %s are names like any other', async (...names) => {
    for (const name of names) {
      const quoted = `['${name}']`;
      await attacked().mgmt(`.create table ${quoted} (${quoted}: string, d: dynamic)`);
      await attacked().mgmt(`.set-or-append ${quoted} <| print ${quoted} = "v", d = bag_pack("${name}", 7)`);
      const csl = `${quoted} | where ${quoted} == "v" | extend x = tolong(d.${quoted}) | summarize n = sum(x) by ${quoted}`;
      expect((await attacked().query(csl)).text).toContain('"Rows":[["v",7]]');
      expect(await attacked().mgmt(`.drop table ${quoted}`)).toMatchObject({ status: 200 });
    }
  });

  it.each([
    ...[
      `a'b`,
      `a"b`,
      'a/*b',
      'a;b',
      'a\0b',
      `"; DROP TABLE x; --`,
      `'); --`,
      '$1',
      'a\\b',
      'a]b',
      `'] | x`,
      'a\u202eb',
    ],
    ...['stored_query_result/Mine', 'graph_snapshot/a/b/nodes', '__proto__', '\ud800', 'a'.repeat(1_025)],
  ])('%j is no name, and a value like any other', async (name) => {
    const quoted = `['${name.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}']`;
    for (const text of [
      ...[
        `.create table ${quoted} (a: long)`,
        `.create table Odd (${quoted}: long)`,
        `.create function ${quoted}() { 1 }`,
      ],
      ...[`.set-or-append ${quoted} <| print a = 1`, `.create-merge table Rows (${quoted}: long)`],
    ])
      expect(await attacked().mgmt(text)).toMatchObject({ status: 400, code: 'BadRequest_EntityNameIsNotValid' });
    const value = JSON.stringify(name);
    const csl = `print s = ${value} | where s == ${value} | extend d = bag_pack(${value}, s) | where tostring(d[${value}]) == s | count`;
    expect((await attacked().query(csl)).text).toContain('"Rows":[[1]]');
    const properties = { Parameters: { p: name } };
    const given = await attacked().query(`declare query_parameters(p: string); print p == ${value}`, undefined, {
      properties,
    });
    expect(given.text).toContain('"Rows":[[true]]');
  });

  it('the one name that the parser cannot hold is refused by itself', async () => {
    for (const text of ['.create table hasOwnProperty (a: long)', '.create table Odd (hasOwnProperty: long)'])
      expect(await attacked().mgmt(text)).toMatchObject({ status: 400, code: 'BadRequest_EntityNameIsNotValid' });
    const answer = await attacked().query(
      'print d = dynamic({"hasOwnProperty": 1}) | project d.hasOwnProperty, d["x"]',
    );
    expect(answer).toMatchObject({ status: 400, code: 'General_BadRequest' });
    expect(answer.text).toContain("The name 'hasOwnProperty' is not supported.");
  });
}
