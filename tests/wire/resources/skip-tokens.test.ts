import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

let arm: ArmFixture;
const subscription = (): string => `/subscriptions/${arm.subscriptionId}`;
const group = (): string => `${subscription()}/resourceGroups/rg1`;

/** Each has two at least. */
const lists: Readonly<Record<string, () => string>> = {
  groups: () => `${subscription()}/resourcegroups?api-version=2021-04-01&$top=1`,
  resources: () => `${subscription()}/resources?api-version=2021-04-01&$top=1`,
  'resources of a group': () => `${group()}/resources?api-version=2021-04-01&$top=1`,
  vaults: () => `${subscription()}/providers/Microsoft.KeyVault/vaults?api-version=2023-02-01&$top=1`,
  'vaults of a group': () => `${group()}/providers/Microsoft.KeyVault/vaults?api-version=2023-02-01&$top=1`,
  'deleted vaults': () => `${subscription()}/providers/Microsoft.KeyVault/deletedVaults?api-version=2023-02-01&$top=1`,
  identities: () =>
    `${subscription()}/providers/Microsoft.ManagedIdentity/userAssignedIdentities?api-version=2023-01-31&$top=1`,
  locks: () => `${subscription()}/providers/Microsoft.Authorization/locks?api-version=2020-05-01&$top=1`,
};

beforeAll(async () => {
  arm = await startArm();
  const send = async (method: string, path: string, body?: object): Promise<void> => {
    const { status } = await arm.send(method, path, body === undefined ? {} : { body });
    expect(status).toBeLessThan(300);
  };
  for (const name of ['rg1', 'rg2'])
    await send('PUT', `${subscription()}/resourceGroups/${name}?api-version=2021-04-01`, { location: 'eastus' });
  const properties = { tenantId: arm.tenantId, sku: { family: 'A', name: 'standard' }, accessPolicies: [] };
  for (const name of ['one', 'two', 'gone-one', 'gone-two']) {
    const path = `${group()}/providers/Microsoft.KeyVault/vaults/${name}-vault?api-version=2023-02-01`;
    await send('PUT', path, { location: 'eastus', properties });
    if (name.startsWith('gone')) await send('DELETE', path);
  }
  for (const name of ['one', 'two']) {
    const identity = `${group()}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}-identity`;
    await send('PUT', `${identity}?api-version=2023-01-31`, { location: 'eastus' });
    const lock = `${group()}/providers/Microsoft.Authorization/locks/${name}`;
    await send('PUT', `${lock}?api-version=2020-05-01`, { properties: { level: 'CanNotDelete' } });
  }
});
afterAll(() => arm[Symbol.asyncDispose]());

async function tokenOf(path: string): Promise<string> {
  const { status, body } = await arm.send('GET', path);
  expect({ path, status }).toEqual({ path, status: 200 });
  const { nextLink } = body as { nextLink?: string };
  const token = new URL(nextLink ?? 'https://none').searchParams.get('$skiptoken');
  if (token === null) throw new Error(`${path} has no second page: ${JSON.stringify(body)}`);
  return token;
}

const withToken = (path: string, token: string) => arm.send('GET', `${path}&$skiptoken=${encodeURIComponent(token)}`);
const refused = { status: 400, body: { error: { code: 'InvalidContinuationToken' } } };

it('a token goes on with its own list, and with no other one', async () => {
  const tokens = await Promise.all(Object.values(lists).map((path) => tokenOf(path())));
  const own = await Promise.all(Object.values(lists).map((path, at) => withToken(path(), tokens[at] ?? '')));
  expect(own.map(({ status }) => status)).toEqual(tokens.map(() => 200));
  for (const [at, [name, path]] of Object.entries(lists).entries())
    for (const [other, token] of tokens.entries())
      if (other !== at) expect({ name, other, ...(await withToken(path(), token)) }).toMatchObject(refused);
});

it.each(Object.keys(lists))('a token of the list of %s that was changed is refused', async (name) => {
  const path = lists[name]?.() ?? '';
  const token = await tokenOf(path);
  const bytes = Buffer.from(token, 'base64url');
  const flipped = (at: number): string =>
    Buffer.from(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))).toString('base64url');
  const id = bytes.subarray(16).toString('utf8');
  const changed = [
    ...[flipped(0), flipped(15), flipped(16), flipped(bytes.length - 1)],
    ...[token.slice(0, -4), `${token}AAAA`, `${token}=`, `${token}!`, token.slice(1), 'zzz', '0'],
    Buffer.from(`after:${id}`).toString('base64url'),
    'A'.repeat(5_000),
  ];
  for (const one of changed) expect({ one, ...(await withToken(path, one)) }).toMatchObject(refused);
});

it('a token of the activity log is of that one list', async () => {
  const from = new Date(arm.clock.now() - 3_600_000).toISOString();
  const filter = encodeURIComponent(`eventTimestamp ge '${from}'`);
  const log = `${subscription()}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01&$filter=${filter}`;
  for (const token of ['7', '0', '-1', await tokenOf(lists['groups']?.() ?? '')])
    expect({ token, ...(await withToken(log, token)) }).toMatchObject(refused);
});
