import { describe, expect, it } from 'vitest';
import type { ArmIdentity } from '../../arm/resource.ts';
import { parseGuid } from '../../base/guid.ts';
import type { Guid } from '../../base/guid.ts';
import { checkRequestedKey, planKeyStep } from './key-plan.ts';
import type { WantedKey } from './key-plan.ts';
import { parseSentKey, readRequestedKey } from './key-vault-properties.ts';
import type { SentKey } from './key-vault-properties.ts';

const guid = (digit: string): Guid => {
  const found = parseGuid(`${digit.repeat(8)}-1111-4111-8111-111111111111`);
  if (found === undefined) throw new Error('a GUID');
  return found;
};
const version = 'a'.repeat(32);
const user = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u';
const system: ArmIdentity = { type: 'SystemAssigned', principalId: guid('1'), tenantId: guid('9') };
const both: ArmIdentity = {
  ...system,
  type: 'SystemAssigned, UserAssigned',
  userAssignedIdentities: { [user]: { principalId: guid('2'), clientId: guid('3') } },
};
const sent: SentKey = { keyName: 'k', keyVaultUri: 'https://v.vault.azure.net', keyVersion: version };
const wanted = (key: SentKey): WantedKey => {
  const named = parseSentKey(key);
  if ('problem' in named) throw new Error(named.problem);
  return { kind: 'customer', sent: key, named };
};
const held = { key: sent, identity: system };
const after = { hasSystem: true, userAssigned: [user] };

describe('which step a change of the key is', () => {
  it.each([
    ['nothing asked, nothing there', { identity: system }, { kind: 'unchanged' }, system, 'none'],
    ['nothing asked', held, { kind: 'unchanged' }, system, 'none'],
    ['first key', { identity: system }, wanted(sent), system, 'change'],
    ['same key', held, wanted(sent), system, 'none'],
    [
      'same key, other spelling',
      held,
      wanted({ ...sent, keyName: 'K', keyVaultUri: 'https://V.vault.azure.net/', keyVersion: version.toUpperCase() }),
      system,
      'none',
    ],
    ['other version', held, wanted({ ...sent, keyVersion: 'b'.repeat(32) }), system, 'change'],
    [
      'latest version from a fixed one',
      held,
      wanted({ keyName: 'k', keyVaultUri: sent.keyVaultUri }),
      system,
      'change',
    ],
    ['other key', held, wanted({ ...sent, keyName: 'k2' }), system, 'change'],
    ['other vault', held, wanted({ ...sent, keyVaultUri: 'https://w.vault.azure.net' }), system, 'change'],
    ['back', held, { kind: 'microsoftManaged' }, system, 'revert'],
    ['back from nothing', { identity: system }, { kind: 'microsoftManaged' }, system, 'none'],
  ] as const)('%s', (_title, before, want, identity, kind) => {
    expect(planKeyStep(before, want, identity).kind).toBe(kind);
  });

  it('the same key through another identity asks the vault first and changes no key', () => {
    const step = planKeyStep(
      { key: sent, identity: both },
      wanted({ ...sent, userIdentity: user.toUpperCase() }),
      both,
    );
    expect(step).toMatchObject({ kind: 'useIdentity', principal: guid('2'), preflight: { identity: guid('2') } });
  });

  it('a new principal behind the same identity is followed without asking', () => {
    const step = planKeyStep(held, { kind: 'unchanged' }, { ...system, principalId: guid('4') });
    expect(step).toMatchObject({ kind: 'useIdentity', principal: guid('4'), preflight: undefined });
  });

  it('an identity that is taken away leaves nobody to go to the vault', () => {
    const nobody = '00000000-0000-0000-0000-000000000000';
    expect(planKeyStep(held, { kind: 'unchanged' }, { type: 'None' })).toMatchObject({
      kind: 'useIdentity',
      principal: nobody,
    });
    const withUser = { key: { ...sent, userIdentity: user }, identity: both };
    expect(planKeyStep(withUser, { kind: 'unchanged' }, system)).toMatchObject({
      kind: 'useIdentity',
      principal: nobody,
    });
  });
});

describe('checks that need no vault', () => {
  const check = (properties: object, creating: boolean, identities = after): unknown =>
    checkRequestedKey(readRequestedKey({ keyVaultProperties: { ...properties } }), creating, identities);
  const refuses = (code: string): Error => expect.objectContaining({ status: 400, code }) as Error;
  const none = { hasSystem: false, userAssigned: [] };

  it('go in the documented order: creation, identity, shape', () => {
    expect(() => check({ keyName: 'k' }, true, none)).toThrow(refuses('CannotProvideKeyVaultPropertiesDuringCreation'));
    expect(() => check({ keyName: 'k' }, false, none)).toThrow(
      refuses('KeyVaultPropertiesOnlyForSystemAssignedResources'),
    );
    expect(() => check({ keyName: 'k' }, false)).toThrow(refuses('InvalidKeyVaultProperties'));
  });

  it('a cluster with only user-assigned identities must name one', () => {
    const onlyUser = { hasSystem: false, userAssigned: [user] };
    expect(() => check(sent, false, onlyUser)).toThrow(refuses('KeyVaultPropertiesOnlyForSystemAssignedResources'));
    expect(check({ ...sent, userIdentity: user.toLowerCase() }, false, onlyUser)).toMatchObject({ kind: 'customer' });
    expect(check({ ...sent, userIdentity: user }, true, onlyUser)).toMatchObject({ kind: 'customer' });
  });

  it.each([{}, { keyName: '', keyVersion: null, keyVaultUri: '' }])(
    '%j is Microsoft-managed, at creation too',
    (properties) => {
      expect(check(properties, true, none)).toEqual({ kind: 'microsoftManaged' });
    },
  );

  it('a federated identity is refused by name', () => {
    expect(() => check({ ...sent, federatedIdentityClientId: guid('1') }, false)).toThrow(/federatedIdentityClientId/);
  });
});
