import { sign } from 'node:crypto';
import { promisify } from 'node:util';
import { createAuthorizer, roleAssignmentRecordId, roleAssignments } from '../src/authz/role-assignments.ts';
import type { RoleAssignment } from '../src/authz/decide.ts';
import type { Caller } from '../src/authz/caller.ts';
import { parseGuid } from '../src/base/guid.ts';
import { newGuid } from '../src/base/new-guid.ts';
import type { Guid } from '../src/base/guid.ts';
import { invariant } from '../src/base/invariant.ts';
import { systemRandomBytes } from '../src/base/random.ts';
import { instant } from '../src/clock/clock.ts';
import { grantClientCredentials } from '../src/identity/entra/client-credentials.ts';
import { openIdentityParts } from '../src/server/identity-parts.ts';
import { stateTables } from '../src/server/state-tables.ts';
import { MemoryStateStore } from '../src/state/memory/memory-state-store.ts';
import { RootKey } from '../src/state/root-key.ts';
import { SealedState } from '../src/state/sealed/sealed-state.ts';
import { writeRecord } from '../src/state/state.ts';
import type { BenchRow } from './row.ts';
import { computed, sideBySide } from './row.ts';

const signatures = 400;
const atOnce = 8;
const assignmentsCount = 10_000;
/** Of each principal. */
const ofEach = 20;
/** What one look may cost. */
const microsecondsMax = 50;

const wallClock = () => instant(Date.now());
const openState = () =>
  SealedState.open({
    store: new MemoryStateStore(),
    rootKey: new RootKey(systemRandomBytes(32)),
    randomBytes: systemRandomBytes,
    tables: stateTables,
    keptOpenMax: 8_192, // as a server has
  });

/** A tenant with an application that has a secret, as the token endpoint sees it. */
async function openSignIn() {
  const state = await openState();
  const identity = openIdentityParts({
    ...{ state, randomBytes: systemRandomBytes, wallClock, monotonicMs: () => performance.now() },
    ...{ tokenExpiry: () => false, allowedHosts: [] },
  });
  const named = { displayName: 'Bench', domains: ['bench.example.org'] };
  const { tenantId } = await identity.tenants.create({ ...named, hidden: false, createdAt: wallClock() });
  const application = await identity.principals.create({ tenantId, displayName: 'app', kind: 'application' });
  const added = await identity.principals.addSecret(application.objectId, instant(Date.now() + 86_400_000));
  const form = new URLSearchParams({
    ...{ grant_type: 'client_credentials', client_id: application.appId, client_secret: added?.secret ?? '' },
    scope: 'https://vault.azure.net/.default',
  });
  const options = {
    ...identity,
    wallClock,
    trustOfIdentity: () => Promise.resolve([]),
    identityProved: () => undefined,
  };
  const grant = () => grantClientCredentials({ version: 2, tenant: tenantId, form, authorization: undefined }, options);
  return { identity, grant, close: () => state.close() };
}

const lanes = async (one: () => Promise<unknown>): Promise<void> => {
  const lane = async (): Promise<void> => {
    for (let index = 0; index < signatures / atOnce; index += 1) await one();
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
};

const groupOf = (at: number): string =>
  `/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/group-${at}`;

const reader = parseGuid('acdd72a7-3385-48ef-bd42-f606fba81ae7') as Guid;

/** Of many principals, each at resource groups of their own. @param each how many a principal has */
async function openAssignments(each: number) {
  const state = await openState();
  const principals = Array.from({ length: assignmentsCount / each }, () => newGuid(systemRandomBytes));
  const [objectId] = principals;
  invariant(objectId !== undefined, 'there are principals');
  const all = Array.from({ length: assignmentsCount }, (_, at): RoleAssignment => ({
    ...{ assignmentId: newGuid(systemRandomBytes), scope: groupOf(at), roleDefinitionId: reader },
    ...{
      principalId: principals[at % principals.length] ?? objectId,
      principalType: 'User',
      createdOn: '',
      updatedOn: '',
      createdBy: '',
    },
  }));
  for (let at = 0; at < all.length; at += 500) {
    const part = all.slice(at, at + 500);
    await state.commit({
      write: part.map((one) => writeRecord(roleAssignments, roleAssignmentRecordId(one), null, one)),
    });
  }
  const tenantId = newGuid(systemRandomBytes);
  const caller: Caller = { objectId, appId: undefined, tenantId, issuer: '', groupIds: [], displayName: 'caller' };
  return { authorizer: createAuthorizer(state), caller, close: () => state.close() };
}

export const tokenRows: readonly BenchRow[] = [
  {
    id: 'tokens-issued',
    ratio: `tokens for a client secret per second, ${atOnce} at once, over bare RS256 signatures per second`,
    rule: 'atLeast',
    floor: 0.4,
    aim: 0.8,
    run: async () => {
      const { identity, grant, close } = await openSignIn();
      const { signing } = await identity.signingKeys.load();
      const claims = Buffer.alloc(1_000, 'a');
      const bare = () => promisify(sign)('sha256', claims, signing.key);
      const { ours, reference } = await sideBySide(
        () => lanes(grant),
        () => lanes(bare),
      );
      await close();
      const [tokens, limit] = [signatures / (ours / 1000), signatures / (reference / 1000)];
      return { ratio: tokens / limit, detail: `${Math.round(tokens)} tokens/s, ${Math.round(limit)} signatures/s` };
    },
  },
  {
    id: 'token-check',
    ratio: `one check of a token that was seen before, over ${microsecondsMax} µs of CPU time`,
    rule: 'atMost',
    floor: 1,
    aim: 0.4,
    run: async () => {
      const { identity, grant, close } = await openSignIn();
      const { token } = await grant();
      const verify = async (count: number): Promise<void> => {
        for (let index = 0; index < count; index += 1) {
          const verdict = await identity.verifyToken(`Bearer ${token}`, ['https://vault.azure.net']);
          if (verdict.outcome !== 'valid') throw new Error(`The token is ${verdict.outcome}.`);
        }
      };
      const first = (await computed(() => verify(1))) * 1000;
      await verify(2_000);
      const again = ((await computed(() => verify(20_000))) * 1000) / 20_000;
      await close();
      return {
        ratio: again / microsecondsMax,
        detail: `${again.toFixed(1)} µs; the first time ${Math.round(first)} µs`,
      };
    },
  },
  {
    id: 'permission-decision',
    ratio: `one decision among ${assignmentsCount} assignments, ${ofEach} of them the caller's, over ${microsecondsMax} µs of CPU time`,
    rule: 'atMost',
    floor: 1,
    aim: 0.4,
    run: async () => {
      const { authorizer, caller, close } = await openAssignments(ofEach);
      const scopes = Array.from(
        { length: ofEach },
        (_, at) => `${groupOf(at * 500)}/providers/Microsoft.KeyVault/vaults/v`,
      );
      const decide = async (rounds: number): Promise<void> => {
        for (let round = 0; round < rounds; round += 1) {
          for (const scope of scopes) {
            const decision = await authorizer.decide(caller, 'action', 'Microsoft.KeyVault/vaults/read', scope);
            if (!decision.allowed) throw new Error('It is allowed.');
          }
        }
      };
      const first = await computed(async () => {
        await authorizer.decide(caller, 'action', 'Microsoft.KeyVault/vaults/read', groupOf(500));
      });
      await decide(1);
      const again = ((await computed(() => decide(1_000))) * 1000) / (1_000 * scopes.length);
      const many = await authorizer.decider(caller);
      const fresh =
        (await computed(() => {
          for (const scope of scopes) many('action', 'Microsoft.KeyVault/vaults/write', scope);
        })) * 1000;
      await close();
      const detail = `${again.toFixed(1)} µs as asked again; ${Math.round(fresh / scopes.length)} µs over what was read; ${first.toFixed(1)} ms for the first`;
      return { ratio: again / microsecondsMax, detail };
    },
  },
  {
    id: 'permission-decision-many',
    ratio: `one decision that was not asked before, for a caller with ${assignmentsCount} assignments, over ${microsecondsMax} µs of CPU time`,
    rule: 'atMost',
    floor: 1,
    aim: 0.4,
    run: async () => {
      const { authorizer, caller, close } = await openAssignments(assignmentsCount);
      const vaultIn = (at: number, name: number): string =>
        `${groupOf(at % assignmentsCount)}/providers/Microsoft.KeyVault/vaults/v${name}`;
      const decide = async (from: number, count: number): Promise<void> => {
        for (let at = from; at < from + count; at += 1) {
          const decision = await authorizer.decide(caller, 'action', 'Microsoft.KeyVault/vaults/read', vaultIn(at, at));
          if (!decision.allowed) throw new Error('It is allowed.');
        }
      };
      const first = await computed(() => decide(0, 1));
      await decide(1, 2_000);
      const fresh = ((await computed(() => decide(2_001, 20_000))) * 1000) / 20_000;
      const again = ((await computed(() => decide(20_000, 2_000))) * 1000) / 2_000;
      await close();
      const detail = `${fresh.toFixed(1)} µs; ${again.toFixed(1)} µs as asked again; ${first.toFixed(0)} ms for the first after a change`;
      return { ratio: fresh / microsecondsMax, detail };
    },
  },
];
