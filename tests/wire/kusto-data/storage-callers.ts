import { ContainerClient } from '@azure/storage-blob';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clusterHost, databaseName as db } from './kusto-fixture.ts';
import type { Answered, Asked, MappedStorage } from './mapped-storage.ts';

const kustoClient = 'db662dc1-0cfe-4e1c-a843-19a68e65be58';
const dataExplorer = '2746ea77-4702-4b45-80ca-3c97e680e8b7';
const password = 'Correct-Horse-7';

/** Storage that is asked as who sends a request: an Azurite reads the tokens.
 * @param asked sends a query or command */
export function describeStorageCallers(site: () => MappedStorage, asked: Asked): void {
  describe('an address that ends in ;impersonate', () => {
    const { mgmt, query } = asked;
    let container: string;
    let user: { readonly id: string; readonly token: string };
    const place = (path = ''): string => `https://tokens.blob.core.windows.net/${container}${path};impersonate`;
    const as = async (token: string, csl: string, more: object = {}): Promise<Answered> => {
      const isCommand = csl.startsWith('.');
      const answer = await site().k.send({
        ...{ host: clusterHost, method: 'POST', token, path: `/v1/rest/${isCommand ? 'mgmt' : 'query'}` },
        body: { db, csl, ...more },
      });
      const { Tables: [table] = [] } = (answer.body ?? {}) as { Tables?: readonly { Rows: readonly unknown[][] }[] };
      return { status: answer.status, text: answer.text, rows: table?.Rows ?? [] };
    };
    /** Whom storage was asked as, for what, and by whom. */
    const said = (): unknown =>
      [
        ...new Set(
          site().tokens.claims.map(({ oid, aud, appid, scp }) => JSON.stringify([oid, aud, appid, scp ?? null])),
        ),
      ].map((one) => JSON.parse(one) as unknown);

    beforeAll(async () => {
      const { k, tokens } = site();
      const url = new URL(await tokens.azurite.newContainer());
      container = url.pathname.split('/').at(-1) ?? '';
      await new ContainerClient(url.href).getBlockBlobClient('a.csv').uploadData(Buffer.from('1,one\n'));
      await mgmt('.create table FromCaller (a: long, b: string)');
      const userPrincipalName = 'reader@kustody.onmicrosoft.com';
      const made = await k.send({
        ...{ host: 'graph.microsoft.com', method: 'POST', path: '/v1.0/users' },
        token: await k.tokenFor('https://graph.microsoft.com'),
        body: {
          ...{ accountEnabled: true, displayName: 'Reader', mailNickname: 'reader', userPrincipalName },
          passwordProfile: { password, forceChangePasswordNextSignIn: false },
        },
      });
      const { id } = made.body as { id: string };
      const signedIn = await k.send({
        ...{ host: 'login.microsoftonline.com', method: 'POST', path: '/organizations/oauth2/v2.0/token' },
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          ...{ client_id: kustoClient, grant_type: 'password', username: userPrincipalName, password },
          scope: 'https://kusto.kusto.windows.net/.default',
        }).toString(),
      });
      user = { id, token: (signedIn.body as { access_token: string }).access_token };
      const properties = { principalId: id, principalType: 'User', role: 'Admin' };
      await k.arm('PUT', `${k.clusterPath}/databases/${db}/principalAssignments/reader`, { properties });
    });
    beforeEach(() => {
      site().tokens.claims.length = 0;
    });

    it('asks storage as the user who sends the request, on whose behalf Data Explorer does it', async () => {
      const external = `.create-or-alter external table AsCaller (a: long, b: string) kind=storage dataformat=csv (h'${place()}')`;
      for (const text of [
        `.ingest into table FromCaller (h'${place('/a.csv')}')`,
        `externaldata(a: long, b: string)[h'${place('/a.csv')}']`,
        external,
        `.export to table AsCaller <| print a = 7, b = 'seven'`,
        `.export to csv (h'${place('/out')}') <| print a = 7`,
        'external_table("AsCaller")',
      ]) {
        const answer = await as(user.token, text);
        expect([text, answer.status, answer.text.slice(0, 500)]).toEqual([text, 200, expect.any(String)]);
      }
      expect(said()).toEqual([[user.id, 'https://storage.azure.com', dataExplorer, 'user_impersonation']]);
    });

    it('asks as an application by a token of its own, each request as its own sender', async () => {
      const { clientId } = site().k.environment;
      expect((await query(`externaldata(a: long, b: string)[h'${place('/a.csv')}']`)).rows).toEqual([[1, 'one']]);
      expect((await query('external_table("AsCaller") | count')).status).toBe(200);
      expect(said()).toEqual([[expect.any(String), 'https://storage.azure.com', clientId, null]]);
    });

    it('is nothing where nobody is there to be impersonated, or the sender does not want it', async () => {
      const properties = JSON.stringify({ Options: { request_impersonation_disabled: true } });
      const barred = await as(user.token, `externaldata(a: long)[h'${place('/a.csv')}']`, { properties });
      expect([barred.status, barred.text]).toEqual([403, expect.stringContaining('request_impersonation_disabled')]);
      await mgmt('.alter table FromCaller policy streamingingestion enable');
      const { k } = site();
      const streamed = await k.send({
        ...{ host: clusterHost, method: 'POST', token: user.token },
        path: `/v1/rest/ingest/${db}/FromCaller?streamFormat=csv&sourceKind=uri`,
        body: { SourceUri: place('/a.csv') },
      });
      expect([streamed.status, streamed.text]).toEqual([400, expect.stringContaining('nobody is there')]);
      const exported = await mgmt(
        '.create-or-alter continuous-export AsNobody to table AsCaller with (intervalBetweenRuns=1h) <| FromCaller',
      );
      expect(exported.text).toContain('needs a managed identity');
      const queued = await k.send({
        ...{ host: `ingest-${clusterHost}`, method: 'POST', path: '/v1/rest/mgmt', token: k.token },
        body: {
          db,
          csl: `.ingest-from-storage-queued into table FromCaller with (format='csv') <| .list blobs (h'${place('/a')}')`,
        },
      });
      expect([queued.status, queued.text]).toEqual([400, expect.stringContaining('nobody is there')]);
      expect(site().tokens.claims).toEqual([]);
    });

    it('sends no token to storage that nobody mapped, nor to what is none', async () => {
      for (const [address, why] of [
        ['https://other.blob.core.windows.net/c/a.csv', 'map the account with --storage-account other=URL'],
        ['https://files.example/a.csv', 'for Azure Storage alone'],
        ['https://outside.blob.core.windows.net/c/a.csv', 'a token goes by https alone'],
      ])
        expect((await query(`externaldata(a: long)[h'${address};impersonate']`)).text).toContain(why);
      expect(site().tokens.claims).toEqual([]);
    });

    it('is nobody once the user is gone', async () => {
      const { k } = site();
      const token = await k.tokenFor('https://graph.microsoft.com');
      const path = `/v1.0/users/${user.id}`;
      await k.send({ host: 'graph.microsoft.com', method: 'DELETE', path, token });
      expect((await as(user.token, 'external_table("AsCaller")')).status).toBe(401);
      expect(site().tokens.claims).toEqual([]);
    });
  });
}
