import { describe, expect, it } from 'vitest';
import { cluster, clusterId, facts, ids, key, now, target, vault, without } from './cmk-facts.fixture.ts';
import { diagnose, readErrorText } from './diagnose.ts';
import { documentedCodes } from './documented-errors.ts';
import type { DocumentedCode, LiveView } from './documented-errors.ts';
import type { Facts } from './facts.ts';
import { planOf } from './plan.ts';
import { changesNothing } from './plan-step.ts';

/** The table of the article, letter by letter. */
const messages: Record<DocumentedCode, string> = {
  InvalidKeyVaultProperties: 'The provided KeyVaultProperties are invalid.',
  CannotProvideKeyVaultPropertiesDuringCreation: 'Cannot provide KeyVaultProperties during cluster creation.',
  KeyVaultPropertiesOnlyForSystemAssignedResources:
    'KeyVaultProperties can be provided only for resources with SystemAssigned Identity.',
  KeyVaultNotFound: "KeyVault 'https://vault1.vault.example/' was not found",
  KeyNotFound: "Key 'k1' was not found in KeyVault 'https://vault1.vault.example/'",
  IdentityDoesNotHaveAccessToKeyVault:
    "Cluster identity does not have access to KeyVault 'https://vault1.vault.example/'",
  KeyVaultNotPurgeProtected: "KeyVault 'https://vault1.vault.example/' is not Purge Protected",
  KeyVaultNotSoftDeleteEnabled: "KeyVault 'https://vault1.vault.example/' is not Soft-Delete enabled",
};

describe('an error text', () => {
  it.each(Object.entries(messages))('%s is known by its code and by its message', (code, message) => {
    expect(readErrorText(code).documented).toBe(code);
    expect(readErrorText(JSON.stringify({ error: { code, message } })).documented).toBe(code);
    expect(readErrorText(`ERROR: (Failed) ${message}\n`).documented).toBe(code);
  });

  it('names vault and key, and the first code is the one that counts', () => {
    expect(readErrorText(messages.KeyNotFound)).toMatchObject({ vault: { name: 'vault1' }, keyName: 'k1' });
    expect(readErrorText('KeyVaultNotFound, and before that: KeyNotFound').documented).toBe('KeyVaultNotFound');
  });

  it.each([
    ['{"error":{"code":"Teapot","message":"m"}}', 'Teapot'],
    ['(Failed) Internal Server Error', undefined],
    ['Failed: Internal Server Error', 'Failed'],
    ['KeyVaultNotFoundAtAll', 'KeyVaultNotFoundAtAll'],
    ['42', undefined],
    ['', undefined],
  ])('%s is none of the eight', (text, otherCode) => {
    expect(readErrorText(text).documented).toBeUndefined();
    expect(readErrorText(text).otherCode).toBe(otherCode);
  });
});

const view = (found: Facts): LiveView => ({
  cluster: clusterId,
  target,
  facts: found,
  steps: planOf({ target, facts: found, options: changesNothing, now }).steps,
});
const causesIn = (found: Facts): readonly string[] =>
  diagnose(undefined, view(found), {})
    .filter(({ holds }) => holds?.now === 'yes')
    .map(({ code }) => code);

describe('causes on a live cluster', () => {
  it.each<[readonly string[], Facts]>([
    [[], facts],
    [['InvalidKeyVaultProperties'], { ...facts, key: { outcome: 'found', key: { ...key, keyType: 'EC' } } }],
    [['KeyVaultPropertiesOnlyForSystemAssignedResources'], { ...facts, cluster: without(cluster, 'systemIdentity') }],
    [['KeyVaultNotFound'], { ...without(facts, 'vault'), key: { outcome: 'notAsked' } }],
    [['KeyVaultNotFound'], { ...facts, vault: { ...vault, location: 'westus' } }],
    [['KeyNotFound'], { ...facts, key: { outcome: 'missing', deleted: true } }],
    [['IdentityDoesNotHaveAccessToKeyVault'], { ...facts, vault: { ...vault, policies: [] } }],
    [['IdentityDoesNotHaveAccessToKeyVault'], { ...facts, key: { outcome: 'found', key: { ...key, enabled: false } } }],
    [['KeyVaultNotPurgeProtected'], { ...facts, vault: { ...vault, purgeProtection: false } }],
    [['KeyVaultNotSoftDeleteEnabled'], { ...facts, vault: { ...vault, softDelete: false } }],
  ])('%j', (codes, found) => {
    expect(causesIn(found)).toEqual(codes);
  });

  it('a firewall is named where permissions explain nothing', () => {
    const walled = view({ ...facts, vault: { ...vault, firewallDenies: true } });
    const [finding] = diagnose('IdentityDoesNotHaveAccessToKeyVault', walled, {});
    expect(finding?.holds).toMatchObject({ now: 'unknown', why: expect.stringContaining('firewall') as unknown });
  });

  it('commands carry the names that are known, and never take an identity away', () => {
    const commands = (found: Facts): string =>
      diagnose(undefined, view(found), {})
        .flatMap(({ run }) => run)
        .join('\n');
    expect(commands(facts)).toContain(`--object-id ${ids.systemPrincipal} --key-permissions get wrapKey unwrapKey`);
    expect(commands(facts)).not.toMatch(/\b(VAULT|KEY|CLUSTER_ID|PRINCIPAL_ID|VAULT_ID|VAULT_URI)\b/);
    const user = { ...without(cluster, 'systemIdentity'), userIdentities: [{ id: ids.identity }] };
    expect(commands({ ...facts, cluster: user })).toContain(
      `--type 'SystemAssigned, UserAssigned' --user-assigned '{"${ids.identity}":{}}'`,
    );
  });

  it('without a cluster there are causes, checks and commands for all eight', () => {
    const findings = diagnose(undefined, undefined, { vault: 'vault1', key: 'k1' });
    expect(findings.map(({ code }) => code)).toEqual(documentedCodes);
    expect(findings.every(({ holds, check, run }) => holds === undefined && check.length > 0 && run.length > 0)).toBe(
      true,
    );
    expect(findings.flatMap(({ run }) => run).join('\n')).toContain('--vault-name vault1 --name k1');
  });
});
