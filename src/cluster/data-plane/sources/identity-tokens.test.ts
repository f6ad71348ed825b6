import { describe, expect, it } from 'vitest';
import type { Guid } from '../../../base/guid.ts';
import type { ManagedIdentityPolicy } from '../../../database/catalog/managed-identity.ts';
import type { ClusterData } from '../../../database/cluster-data.ts';
import type { CallMain } from '../../messages/data-plane-calls.ts';
import { createProofs } from './identity-tokens.ts';

const own = '11111111-1111-1111-1111-111111111111' as Guid;
const other = '22222222-2222-2222-2222-222222222222' as Guid;

const policy = (ObjectId: string, AllowedUsages: string): ManagedIdentityPolicy => ({
  ...{ ObjectId, AllowedUsages, ClientId: '', TenantId: '', DisplayName: '', IsSystem: ObjectId === own },
});

/** @returns the identities that tokens were asked for */
function proofs(
  cluster: readonly ManagedIdentityPolicy[],
  database: readonly ManagedIdentityPolicy[],
  disabled = false,
) {
  const asked: unknown[] = [];
  const call = ((operation: string, body: { identity?: string }) => {
    if (operation === 'identities')
      return Promise.resolve([
        { objectId: own, isSystem: true },
        { objectId: other, isSystem: false },
      ]);
    asked.push(body.identity);
    return Promise.resolve(
      disabled
        ? { outcome: 'refused', reason: 'Principal x is disabled.' }
        : { outcome: 'token', token: `of ${String(body.identity)}`, expiresOn: 0 },
    );
  }) as unknown as CallMain;
  const data = {
    clusterSettings: () => ({ policies: { managed_identity: cluster } }),
    databases: () => [
      { name: 'db', policies: { managed_identity: database } },
      { name: 'else', policies: {} },
    ],
  } as unknown as ClusterData;
  return { asked, proofOf: createProofs(call, () => Promise.resolve(data)) };
}

const address = (identity: string) =>
  ({ name: 'https://box/c', credential: { kind: 'managedIdentity', identity } }) as const;
const ingestion = { usage: 'NativeIngestion', database: 'db' } as const;

describe('what an address proves itself with', () => {
  it('is a token of the identity that it names, where a policy lets it', async () => {
    const { asked, proofOf } = proofs([policy(own, 'NativeIngestion')], [policy(other, 'SqlRequest, All')]);
    expect(await proofOf(address('system'), ingestion)).toEqual({ kind: 'token', token: `of ${own}` });
    expect(await proofOf(address(other), ingestion)).toEqual({ kind: 'token', token: `of ${other}` });
    expect(asked).toEqual([own, other]);
  });

  it('is a token of the sender, where the address says so and somebody is there', async () => {
    const { asked, proofOf } = proofs([policy(own, 'All')], []);
    const impersonating = { name: 'https://box/c', credential: { kind: 'impersonation' } } as const;
    const callerToken = (): Promise<string> => Promise.resolve('theirs');
    expect(await proofOf(impersonating, { ...ingestion, callerToken })).toEqual({ kind: 'token', token: 'theirs' });
    await expect(proofOf(impersonating, ingestion)).rejects.toThrow('nobody is there to be impersonated');
    // Nobody else's proof becomes theirs.
    expect(await proofOf({ name: '', credential: { kind: 'none' } }, { ...ingestion, callerToken })).toEqual({
      kind: 'none',
    });
    expect(asked).toEqual([]);
  });

  it('is what stands in it, when it names no identity', async () => {
    const { asked, proofOf } = proofs([], []);
    expect(await proofOf({ name: '', credential: { kind: 'none' } }, ingestion)).toEqual({ kind: 'none' });
    expect(asked).toEqual([]);
  });

  it.each([
    ['another usage', [policy(own, 'ExternalTable, DataConnection')], [], ingestion, 'system'],
    ['another identity', [policy(other, 'All')], [], ingestion, 'system'],
    ['another database', [], [policy(own, 'All')], { usage: 'NativeIngestion', database: 'else' }, 'system'],
    ['no database at all', [], [policy(own, 'All')], { usage: 'ExternalTable', database: 'NetDefaultDB' }, 'system'],
    ['an identity that is not assigned', [policy(own, 'All')], [], ingestion, '33333333-3333-3333-3333-333333333333'],
  ] as const)('is none for %s, and no token is asked for', async (_what, cluster, database, use, identity) => {
    const { asked, proofOf } = proofs(cluster, database);
    await expect(proofOf(address(identity), use)).rejects.toMatchObject({
      ...{ code: 'SourceFailed', malformed: 'BadRequest_InvalidManagedIdentity' },
    });
    expect(asked).toEqual([]);
  });

  it('is none for what no managed identity is for, whatever the policies say', async () => {
    const { asked, proofOf } = proofs([policy(own, 'All')], [policy(own, 'All')]);
    await expect(proofOf(address('system'), { usage: undefined, database: 'db' })).rejects.toMatchObject({
      malformed: 'BadRequest_InvalidManagedIdentity',
      message: expect.stringContaining('Authentication with a Managed Identity is disabled for this flow') as string,
    });
    expect(asked).toEqual([]);
  });

  it('is none when the directory gives no token', async () => {
    const { proofOf } = proofs([policy(own, 'All')], [], true);
    await expect(proofOf(address('system'), ingestion)).rejects.toThrow('cannot be used for');
  });
});
