import { beforeAll, describe, expect, it } from 'vitest';
import { graphOperations } from '../../../src/identity/graph/operations.ts';
import { controlRows } from '../../../src/server/control-rows.ts';
import { vaultOperations } from '../../../src/vault/plane/vault-operations.ts';
import { allArmOperations, allArmProviders } from '../../support/arm-operations.ts';
import { sample } from '../../support/sample.ts';
import type { Attacked, Outcome, Person } from './attacked.ts';
import { audiences, db, hosts } from './attacked.ts';
import { forgeries } from './tokens.ts';
import type { Make } from './tokens.ts';

// Every route of every plane against every token that is wrong in one respect, and against a good one of somebody without a role.

interface Route {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly body?: string;
  /** Whoever has a token may ask it. */
  readonly anybody?: boolean;
  /** What is answered to who has no role, if not what the plane says. */
  readonly withoutRole?: readonly [number, string];
}

type Plane = 'arm' | 'vault' | 'graph' | 'cluster' | 'control';
const graph = 'https://graph.microsoft.com';
const audienceOf: Readonly<Record<Plane, string>> = { ...audiences, graph, control: audiences.arm };

const filled = (path: string, names: Readonly<Record<string, string>>): string =>
  path.replaceAll(/\{([^}]+)\}/g, (_whole, name: string) => names[name] ?? 'x1');

/** Of a type that is not listed, because nothing of it is built. */
const firstVersion = (provider: string): string | undefined =>
  allArmProviders().find(({ namespace }) => namespace === provider)?.resourceTypes[0]?.apiVersions[0];

function armRoutes({ group, subscription }: Attacked): readonly Route[] {
  const names = { scope: group, subscriptionId: subscription.split('/').at(-1) ?? '', resourceGroupName: 'rg1' };
  const versions = new Map(
    allArmProviders().flatMap(({ namespace, resourceTypes }) =>
      resourceTypes.map(({ resourceType, apiVersions }): [string, string] => [
        `${namespace}/${resourceType}`.toLowerCase(),
        apiVersions[0] ?? '',
      ]),
    ),
  );
  return allArmOperations().map(({ id, method, path, provider, action }) => {
    const types = path
      .split(`/${provider}/`)
      .at(-1)
      ?.split('/')
      .filter((_part, index) => index % 2 === 0);
    // A type or an action below one is of the versions of what it is below.
    const version =
      types?.reduceRight<string | undefined>(
        (found, _type, at) => found ?? versions.get([provider, ...types.slice(0, at + 1)].join('/').toLowerCase()),
        undefined,
      ) ?? firstVersion(provider);
    const at = `${filled(path, names)}?api-version=${version ?? '2021-04-01'}`;
    return { name: id, method, host: hosts.arm, path: at, anybody: action === null };
  });
}

const ingestHost = `ingest-${hosts.cluster}`;
const posted = (path: string, host: string, csl: string): Route => ({
  ...{ name: `${host} ${csl}`, method: 'POST', path, host },
  body: JSON.stringify({ db, csl }),
});
const streaming = { method: 'POST', path: `/v1/rest/ingest/${db}/Rows?streamFormat=csv`, body: '8,eight' };
/** What the endpoint of ingestion does not do is refused to everybody in the same way. */
const elsewhere = { withoutRole: [400, 'General_BadRequest'] } as const;
const kustoRoutes: readonly Route[] = [
  ...['v1', 'v2'].flatMap((version) => {
    const get = { name: `GET ${version}`, method: 'GET', path: `/${version}/rest/query?db=${db}&csl=Rows` };
    return [
      { ...get, host: hosts.cluster },
      { ...get, host: ingestHost, ...elsewhere },
      posted(`/${version}/rest/query`, hosts.cluster, 'Rows'),
      { ...posted(`/${version}/rest/query`, ingestHost, 'Rows'), ...elsewhere },
    ];
  }),
  ...['.show table Rows details', '.drop table Rows', '.show tables', '.append Rows <| print n = 2', 'Rows'].map(
    (csl) => posted('/v1/rest/mgmt', hosts.cluster, csl),
  ),
  ...['.get ingestion resources', '.get kusto identity token', '.show ingestion resources'].map((csl) =>
    posted('/v1/rest/mgmt', ingestHost, csl),
  ),
  { name: 'streaming', ...streaming, host: hosts.cluster },
  { name: 'streaming', ...streaming, host: ingestHost, ...elsewhere },
];

const routesOf: Readonly<Record<Plane, (attacked: Attacked) => readonly Route[]>> = {
  arm: armRoutes,
  vault: () =>
    vaultOperations.map(({ id, method, path }) => {
      const names = { name: 'k', version: '0'.repeat(32) };
      return { name: id, method, host: hosts.vault, path: `${filled(path, names)}?api-version=7.4` };
    }),
  graph: ({ owner }) =>
    graphOperations.map(({ id, method, path, right }) => {
      const at = `/v1.0${filled(path, { id: owner.objectId, name: 'x' })}`;
      const route = { name: id, method, host: 'graph.microsoft.com', path: at };
      // Only a user can ask that, whatever an application may.
      return right === 'self' ? { ...route, withoutRole: [400, 'BadRequest'] as const } : route;
    }),
  cluster: () => kustoRoutes,
  control: () =>
    controlRows
      .filter(({ access }) => access !== 'anybody')
      .map(({ method, path }) => ({
        name: path,
        method: method === 'ANY' ? 'POST' : method,
        host: hosts.control,
        path: path.replaceAll(/:(\w+)/g, 'x'),
      })),
};
const planes = Object.keys(routesOf) as readonly Plane[];

/** Principals that were taken away after their tokens had been made. */
const gone: { deleted?: Person; disabled?: Person } = {};
const ofGone =
  (kind: keyof typeof gone): Make =>
  (attacked, audience) =>
    attacked.tokenFor(audience, gone[kind]);
const wrong: readonly (readonly [string, string, Make])[] = [
  ...forgeries,
  ['of a principal that was deleted', 'InvalidAuthenticationToken', ofGone('deleted')],
  ['of a principal that was disabled', 'InvalidAuthenticationToken', ofGone('disabled')],
];

/** Makes two principals, has tokens made of them, and takes them away. */
async function takeAway(attacked: Attacked): Promise<void> {
  const ask = async (method: string, path: string, body?: object): Promise<Record<string, string>> => {
    const { status, text } = await attacked.attempt('graph.microsoft.com', method, `/v1.0${path}`, {
      headers: { ...bearer(await attacked.tokenFor(graph)), 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (status >= 300) throw new Error(`${status} ${text}`);
    return text === '' ? {} : (JSON.parse(text) as Record<string, string>);
  };
  for (const kind of ['deleted', 'disabled'] as const) {
    const { id, appId = '' } = await ask('POST', '/applications', { displayName: kind });
    const principal = await ask('POST', '/servicePrincipals', { appId });
    const { secretText: secret = '' } = await ask('POST', `/applications/${id ?? ''}/addPassword`, {});
    const person = { objectId: principal['id'] ?? '', appId, tenantId: attacked.owner.tenantId, secret };
    for (const audience of new Set([...Object.values(audienceOf), 'https://storage.azure.com']))
      expect(await attacked.tokenFor(audience, person)).toMatch(/^eyJ/);
    gone[kind] = person;
    const at = `/servicePrincipals/${person.objectId}`;
    if (kind === 'deleted') await ask('DELETE', at);
    else await ask('PATCH', at, { accountEnabled: false });
  }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const withoutRole: Readonly<Record<Plane, readonly [number, string]>> = {
  arm: [403, 'AuthorizationFailed'],
  vault: [403, 'Forbidden'],
  graph: [403, 'Authorization_RequestDenied'],
  cluster: [403, 'Forbidden'],
  control: [401, 'Unauthorized'],
};
const codes = { vault: 'Unauthorized', graph: 'InvalidAuthenticationToken', cluster: 'Unauthorized' };
const atOnce = 16;

/** @returns what was not answered as it should be */
async function throwAll<T>(cells: readonly T[], one: (cell: T) => Promise<readonly unknown[]>): Promise<unknown[]> {
  const found: unknown[] = [];
  for (let at = 0; at < cells.length; at += atOnce)
    found.push(...(await Promise.all(cells.slice(at, at + atOnce).map(one))).flat());
  return found;
}

export function describeEveryRoute(attacked: () => Attacked): void {
  describe('every route', () => {
    beforeAll(() => takeAway(attacked()));
    const send = ({ host, method, path, body }: Route, token: string): Promise<Outcome> =>
      attacked().keep(host, method, path, {
        headers: { ...bearer(token), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body }),
      });

    it.each(planes)('refuses every token with something wrong, in its own words (%s)', async (plane) => {
      const routes = routesOf[plane](attacked());
      expect(routes.length).toBeGreaterThan(15);
      const cells = sample(
        wrong.flatMap((forgery) => routes.map((route) => ({ forgery, route }))),
        40,
        plane,
      );
      const bad = await throwAll(cells, async ({ forgery: [what, armCode, make], route }) => {
        const answer = await send(route, await make(attacked(), audienceOf[plane]));
        const code = plane === 'arm' ? armCode : plane === 'control' ? 'Unauthorized' : codes[plane];
        const isRight = answer.status === 401 && (answer.code === code || route.method === 'HEAD');
        return isRight ? [] : [[what, route.name, answer.status, answer.code, answer.text.slice(0, 200)]];
      });
      expect(bad).toEqual([]);
    });

    it.each(['arm', 'vault', 'cluster'] as const)("refuses another tenant's principal (%s)", async (plane) => {
      const token = await attacked().tokenFor(audienceOf[plane], attacked().people.foreigner);
      const routes = routesOf[plane](attacked()).filter(
        ({ path }) => plane !== 'arm' || path.startsWith('/subscriptions/'),
      );
      const bad = await throwAll(sample(routes, 30, `${plane} foreigner`), async (route) => {
        const { status, code, text } = await send(route, token);
        const wanted = plane === 'arm' ? 'InvalidAuthenticationTokenTenant' : 'Unauthorized';
        const isRight = status === 401 && (code === wanted || route.method === 'HEAD');
        return isRight ? [] : [[route.name, route.method, status, code, text.slice(0, 200)]];
      });
      expect(bad).toEqual([]);
    });

    it('refuses every token at the storage of ingestion, a good one too', async () => {
      const { text } = await attacked().post(
        '/v1/rest/mgmt',
        { csl: '.get ingestion resources' },
        undefined,
        {},
        ingestHost,
      );
      const [{ Rows: rows } = { Rows: [] }] = (JSON.parse(text) as { Tables: { Rows: [string, string][] }[] }).Tables;
      expect(rows.length).toBeGreaterThan(4);
      const storage = 'https://storage.azure.com';
      const good: Make = (a, to) => a.tokenFor(to);
      const cells = [...wrong, ['of its owner', '', good] as const].flatMap(([what, , make]) =>
        rows.flatMap(([, address]) =>
          [address, address.replace(/\?.*/, '')].map((one) => ({ what, make, url: new URL(one) })),
        ),
      );
      const bad = await throwAll(sample(cells, 40, 'storage'), async ({ what, make, url }) => {
        const token = await make(attacked(), storage);
        const path = `${url.pathname}${url.search}`;
        const answer = await attacked().keep(url.hostname, 'GET', path, { headers: bearer(token) });
        const isRight = answer.status === 401 && answer.code === 'InvalidAuthenticationInfo';
        return isRight ? [] : [[what, url.pathname, answer.status, answer.code]];
      });
      expect(bad).toEqual([]);
    });

    it.each(planes)('refuses who has roles of applications in a token, and none in the service (%s)', async (plane) => {
      const roles = ['Directory.ReadWrite.All', 'Application.ReadWrite.All', 'Owner', 'AllDatabasesAdmin'];
      const { objectId: oid, appId: appid } = attacked().people.nobody;
      const claims = { oid, sub: oid, appid, roles, wids: ['62e90394-69f5-4237-9190-012177145e10'] };
      const token = await attacked().forge(claims, audienceOf[plane]);
      const routes = routesOf[plane](attacked()).filter(({ anybody }) => anybody !== true);
      const bad = await throwAll(sample(routes, 30, `${plane} roles`), async (route) => {
        const { status, code, text } = await send(route, token);
        const [wantedStatus, wantedCode] = route.withoutRole ?? withoutRole[plane];
        const isRight = status === wantedStatus && (code === wantedCode || route.method === 'HEAD');
        return isRight ? [] : [[route.name, route.method, status, code, text.slice(0, 200)]];
      });
      expect(bad).toEqual([]);
    });
  });
}
