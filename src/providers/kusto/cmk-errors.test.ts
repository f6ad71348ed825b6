import { describe, expect, it } from 'vitest';
import { parseGuid } from '../../base/guid.ts';
import { parseHostName, parseKeyName } from '../../base/names.ts';
import type { CustomerKey, KeyPreflight } from '../../encryption/cluster-keys.ts';
import type { KeyFailure, KeyFailureCause } from '../../encryption/key-wrapper.ts';
import { cmkErrorCodes } from './cmk-error-rows.ts';
import { cmkError, keyFailureError, lostKeyError, preflightError } from './cmk-errors.ts';

const named = { vaultUri: 'https://My.vault.azure.net', keyName: 'K' };

/** The table of the article of 18 December 2019, letter by letter. */
const article = {
  InvalidKeyVaultProperties: 'The provided KeyVaultProperties are invalid.',
  CannotProvideKeyVaultPropertiesDuringCreation: 'Cannot provide KeyVaultProperties during cluster creation.',
  KeyVaultPropertiesOnlyForSystemAssignedResources:
    'KeyVaultProperties can be provided only for resources with SystemAssigned Identity.',
  KeyVaultNotFound: "KeyVault 'https://My.vault.azure.net' was not found",
  KeyNotFound: "Key 'K' was not found in KeyVault 'https://My.vault.azure.net'",
  IdentityDoesNotHaveAccessToKeyVault: "Cluster identity does not have access to KeyVault 'https://My.vault.azure.net'",
  KeyVaultNotPurgeProtected: "KeyVault 'https://My.vault.azure.net' is not Purge Protected",
  KeyVaultNotSoftDeleteEnabled: "KeyVault 'https://My.vault.azure.net' is not Soft-Delete enabled",
};

const required = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('the test names something that exists');
  return value;
};

const key: CustomerKey = {
  vaultUri: named.vaultUri,
  vaultHost: required(parseHostName('my.vault.azure.net')),
  keyName: required(parseKeyName('K')),
  identity: required(parseGuid('11111111-1111-4111-8111-111111111111')),
};

const failed = (cause: KeyFailureCause, kind: KeyFailure['kind'] = 'refusal'): KeyFailure => ({
  outcome: 'failed',
  kind,
  cause,
  message: 'what the vault said',
});

describe('the eight documented errors', () => {
  it.each(Object.entries(article))('%s has the message of the article and status 400', (code, message) => {
    const found = cmkErrorCodes.find((one) => one === code);
    expect(found).toBe(code);
    expect(cmkError(required(found), named, [])).toMatchObject({ status: 400, code, message });
  });

  it('are eight, in the order in which they are checked', () => {
    expect(cmkErrorCodes).toEqual([
      'CannotProvideKeyVaultPropertiesDuringCreation',
      'KeyVaultPropertiesOnlyForSystemAssignedResources',
      'InvalidKeyVaultProperties',
      'KeyVaultNotFound',
      'IdentityDoesNotHaveAccessToKeyVault',
      'KeyNotFound',
      'KeyVaultNotSoftDeleteEnabled',
      'KeyVaultNotPurgeProtected',
    ]);
  });
});

const usable: KeyPreflight = {
  outcome: 'usable',
  key: {
    kid: { vaultHost: key.vaultHost, name: key.keyName, version: 'f'.repeat(32) as never },
    keyType: 'RSA',
    enabled: true,
    keyOperations: [],
    recoveryLevel: 'Recoverable',
  },
};

describe('causes and remedies', () => {
  it('a usable key is no error', () => {
    expect(preflightError(key, usable)).toBeUndefined();
  });

  it.each([
    [
      { outcome: 'noAccess', operation: 'get', failure: failed('forbiddenByPolicy') },
      'az keyvault set-policy --name my --object-id 11111111',
    ],
    [
      { outcome: 'noAccess', operation: 'get', failure: failed('forbiddenByRbac') },
      'Key Vault Crypto Service Encryption User',
    ],
    [{ outcome: 'noAccess', operation: 'get', failure: failed('forbiddenByFirewall') }, '--default-action Allow'],
    [{ outcome: 'noAccess', operation: 'get', failure: failed('noIdentity') }, 'Assign an identity'],
    [{ outcome: 'notUsableNow', why: 'disabled' }, '--enabled true'],
    [{ outcome: 'notUsableNow', why: 'expired', at: 1_700_000_000 }, '2023-11-14T22:13:20.000Z'],
    [{ outcome: 'notUsableNow', why: 'notYetValid', at: 4_000_000_000 }, '2096-10-02T07:06:40.000Z'],
    [{ outcome: 'wrongType', found: 'EC' }, '--kty RSA'],
    [{ outcome: 'vaultNotFound', why: 'otherRegion', found: 'westus' }, "region 'westus'"],
    [{ outcome: 'softDeleteOff' }, 'enableSoftDelete=true'],
    [{ outcome: 'purgeProtectionOff' }, '--enable-purge-protection true'],
  ] as const)('%j says what to do', (found, words) => {
    const error = preflightError(key, found);
    expect(JSON.stringify(error?.extra.details)).toContain(words);
    expect(error?.extra.details?.at(-1)?.code).toBe('Remedy');
  });

  it('an outage is none of the eight: nothing is known', () => {
    expect(preflightError(key, { outcome: 'unavailable', failure: failed('timeout', 'outage') })).toMatchObject({
      status: 503,
      code: 'ServiceUnavailable',
    });
    expect(keyFailureError(key, failed('unreachable', 'outage'))).toMatchObject({ status: 503 });
    expect(keyFailureError(undefined, failed('serverError', 'outage'))).toMatchObject({ status: 503 });
  });

  it('a lost key is named with its vault, whatever the request names', () => {
    const lost = { outcome: 'currentKeyLost', vaultUri: 'https://old.vault.azure.net', keyName: 'oldkey' } as const;
    const refused = lostKeyError({ ...lost, failure: failed('forbidden') });
    expect(refused).toMatchObject({
      code: 'IdentityDoesNotHaveAccessToKeyVault',
      message: "Cluster identity does not have access to KeyVault 'https://old.vault.azure.net'",
    });
    expect(refused.extra.details?.[0]?.message).toContain("key 'oldkey' in KeyVault 'https://old.vault.azure.net'");
    expect(lostKeyError({ ...lost, failure: failed('keyNotFound') }).code).toBe('KeyNotFound');
    expect(lostKeyError({ ...lost, failure: failed('noSuchHost') }).code).toBe('KeyVaultNotFound');
    expect(lostKeyError({ ...lost, failure: failed('throttled', 'outage') }).status).toBe(503);
  });
});
