import { describe, expect, it } from 'vitest';
import { noOverrides } from '../../../authz/follower-overrides.ts';
import type { Caller } from '../../../authz/caller.ts';
import { newGuid } from '../../../base/new-guid.ts';
import { systemRandomBytes } from '../../../base/random.ts';
import type { FollowedDatabase, ServedCluster } from '../served-clusters.ts';
import { followedAccess, FollowerTickets } from './follower-access.ts';

const guid = () => newGuid(systemRandomBytes);
const [me, tenantId, leaderId, followerId, databaseId] = [guid(), guid(), guid(), guid(), guid()];
const caller = { objectId: me, tenantId, groupIds: [] } as unknown as Caller;
const assignment = (role: string, on?: string, objectId = me) =>
  ({ role, objectId, ...(on === undefined ? {} : { databaseId: on }) }) as ServedCluster['assignments'][number];

const leader = {
  ...{ clusterId: leaderId, tenantId },
  assignments: [
    assignment('Viewer', databaseId),
    assignment('Admin', guid()),
    assignment('Admin', databaseId, guid()),
    assignment('AllDatabasesAdmin'),
  ],
} as unknown as ServedCluster;

function rolesUnder(principals: FollowedDatabase['principals'], at: Partial<ServedCluster> = {}) {
  const given = ['Ingestor', 'User'].map((role, index) => ({ role, objectId: index === 0 ? guid() : me }));
  const overrides = { ...noOverrides, principals: given };
  const followed = { name: 'logs', leaderId, databaseId, principals, sharing: {}, overrides };
  const assignments = [assignment('AllDatabasesMonitor'), assignment('Admin', guid())];
  const follower = { clusterId: followerId, tenantId, followed: [followed], assignments } as unknown as ServedCluster;
  return followedAccess({ byId: () => Promise.resolve({ ...leader, ...at }) }, follower, caller);
}

describe('who may do what in a followed database', () => {
  it.each([
    ['Union', ['Viewer', 'Monitor', 'User']],
    ['Replace', ['Monitor', 'User']],
    ['None', ['Viewer']],
  ] as const)('%s', async (principals, roles) => {
    expect(await rolesUnder(principals)).toEqual([{ name: 'logs', databaseId, leaderId, roles }]);
  });

  it('is nobody of another tenant', async () => {
    expect(await rolesUnder('Union', { tenantId: guid() })).toEqual([]);
  });
});

describe('tickets of followers', () => {
  it('are good once, for the two clusters alone', () => {
    const tickets = new FollowerTickets(systemRandomBytes);
    const ticket = tickets.issue(leaderId, followerId);
    expect(tickets.redeem(ticket, leaderId)).toBe(followerId);
    expect(tickets.redeem(ticket, leaderId)).toBeUndefined();
    expect(tickets.redeem(tickets.issue(leaderId, followerId), followerId)).toBeUndefined();
  });

  it('are dropped when too many are open', () => {
    const tickets = new FollowerTickets(systemRandomBytes);
    const first = tickets.issue(leaderId, followerId);
    for (let i = 0; i < 1_000; i += 1) tickets.issue(leaderId, followerId);
    expect(tickets.redeem(first, leaderId)).toBeUndefined();
  });
});
