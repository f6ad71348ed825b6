import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../base/json.ts';
import type { ClusterDescription } from '../../server/cluster-inventory.ts';
import type { VaultDescription } from '../../server/vault-inventory.ts';
import type { Findings, ShredCertificate } from './certificate.ts';
import { makeCertificate, verdictOf } from './certificate.ts';
import { copiesOf } from '../custody/copies.ts';
import { foldHistory } from '../custody/fold-history.ts';
import type { Target } from './key-plan.ts';
import { doomedKeys, otherUsers, othersUnder, stateOf } from './key-plan.ts';
import { outcomeOf } from './extent-attempts.ts';
import { findTargets } from './find-targets.ts';
import { shredPage } from './page.ts';

const versions = ['1'.repeat(32), '2'.repeat(32), '3'.repeat(32)] as const;
const key = (name: string): string => `https://v.vault.azure.net/keys/${name}`;
const idOf = (name: string): string => `/subscriptions/s/resourceGroups/g/providers/Microsoft.Kusto/Clusters/${name}`;
const target: Target = {
  ...{ clusterId: '1', resourceId: idOf('c'), name: 'c', follower: false, principals: ['p'] },
};
const cluster = (clusterId: string, name: string, kid: string): ClusterDescription =>
  ({ clusterId, resourceId: idOf(name), name, custody: 'customer', kid, outsideVault: false }) as ClusterDescription;

let sequence = 0;
const vaultEvent = (
  operationName: string,
  id: string,
  caller: string,
  claims: JsonObject = {},
  resultType = 'Success',
) => ({
  sequence: (sequence += 1),
  event: {
    ...{ category: 'AuditEvent', operationName, resultType, time: `2026-01-01T00:00:0${sequence % 10}.000Z` },
    identity: { claim: { 'http://schemas.microsoft.com/identity/claims/objectidentifier': caller, ...claims } },
    properties: { id },
  } as JsonObject,
});
const historyOf = (...events: readonly ReturnType<typeof vaultEvent>[]) => {
  const folding = foldHistory();
  for (const event of events) folding.add(event);
  return folding.result();
};
const byCluster = (name: string) => ({ xms_az_rid: idOf(name), xms_mirid: '/i' });

describe('the keys that go', () => {
  it('are those that the cluster used, by what tokens said, and by its identity where they said nothing', () => {
    const history = historyOf(
      vaultEvent('KeyUnwrap', `${key('Old')}/${versions[0]}`, 'gone', byCluster('c')),
      vaultEvent('KeyWrap', `${key('untold')}/${versions[0]}`, 'p'),
      vaultEvent('KeyUnwrap', `${key('system')}/${versions[1]}`, 'q', { xms_mirid: idOf('c') }),
      // The same identity, for somebody else; without the name of who uses it, too.
      vaultEvent('KeyUnwrap', `${key('shared')}/${versions[0]}`, 'p', byCluster('other')),
      vaultEvent('KeyUnwrap', `${key('shared')}/${versions[0]}`, 'p'),
      vaultEvent('KeyUnwrap', `${key('stranger')}/${versions[0]}`, 'x'),
      vaultEvent('KeyUnwrap', `${key('refused')}/${versions[0]}`, 'p', byCluster('c'), 'Failed'),
      vaultEvent('KeyGet', `${key('seen')}/${versions[0]}`, 'p', byCluster('c')),
      vaultEvent('KeyDecrypt', `${key('old')}/${versions[0]}`, 'program'),
    );
    const clusters = [
      cluster('1', 'c', `${key('Now')}/${versions[2]}`),
      cluster('2', 'd', `${key('old')}/${versions[0]}`),
    ];
    const keys = doomedKeys([target], clusters, history, []);
    expect(keys.map((one) => one.key)).toEqual(['now', 'old', 'system', 'untold'].map(key));
    expect(othersUnder(keys, [target], clusters)).toEqual(['d']);
    expect(otherUsers(keys, [target], history)).toMatchObject([{ key: key('old'), caller: 'program' }]);
  });

  it('have the versions that were used or there at first; one that comes later under the name is another key', () => {
    const vaults = (version: string, more: object = {}, state = 'live'): readonly VaultDescription[] =>
      [{ name: 'v', state, keys: [{ name: 'K', versions: [{ version }] }], ...more }] as unknown as VaultDescription[];
    const clusters = [cluster('1', 'c', `${key('k')}/${versions[0]}`)];
    const both = vaults(versions[1], {
      keys: [{ name: 'K', versions: [{ version: versions[0] }, { version: versions[1] }] }],
    });
    const [first] = doomedKeys([target], clusters, historyOf(), both);
    expect(first).toMatchObject({ key: key('k'), versions: [versions[0], versions[1]], usedBy: ['c'] });
    if (first === undefined) return;
    const [again] = doomedKeys([target], [], historyOf(), vaults(versions[2]), [first]);
    expect(again?.versions).toEqual([versions[0], versions[1]]);
    const known = historyOf(vaultEvent('KeyDelete', key('k'), 'u'));
    expect(stateOf(first, vaults(versions[1]), known)).toEqual({ state: 'there' });
    expect(stateOf(first, vaults(versions[2]), known)).toEqual({ state: 'purged' });
    expect(stateOf(first, vaults(versions[1], { purgedOn: '2027' }, 'deleted'), known)).toEqual({
      ...{ state: 'vaultDeleted', purgedOn: '2027' },
    });
    expect(stateOf(first, [], known)).toEqual({ state: 'purged' });
    // Of a vault outside, which the server was started without.
    expect(stateOf(first, [], historyOf(vaultEvent('KeyDelete', key('other'), 'u')))).toEqual({ state: 'unknown' });
  });

  it('leave a key alone that was made under the name of one that was purged before anything was shredded', () => {
    const history = historyOf(vaultEvent('KeyUnwrap', `${key('k')}/${versions[0]}`, 'p', byCluster('c')));
    const again = [{ name: 'v', state: 'live', keys: [{ name: 'k', versions: [{ version: versions[1] }] }] }];
    const vaults = again as unknown as VaultDescription[];
    const [one] = doomedKeys([target], [], history, vaults);
    expect(one).toMatchObject({ key: key('k'), versions: [versions[0]] });
    expect(one && stateOf(one, vaults, history)).toEqual({ state: 'purged' });
  });
});

describe('steps of custody', () => {
  it('are what was done to a key, and when a cluster was refused and answered again', () => {
    const unwrap = (result: string) =>
      vaultEvent('KeyUnwrap', `${key('k')}/${versions[0]}`, 'p', byCluster('c'), result);
    const { steps } = historyOf(
      vaultEvent('KeyCreate', `${key('k')}/${versions[0]}`, 'u'),
      ...[unwrap('Success'), unwrap('Success'), unwrap('Failed'), unwrap('Failed'), unwrap('Success')],
      vaultEvent('KeyDelete', key('k'), 'u', {}, 'Failed'),
      vaultEvent('SecretDelete', 'https://v.vault.azure.net/secrets/k', 'u'),
      vaultEvent('KeyDelete', key('k'), 'u'),
    );
    expect(steps.map(({ step, by }) => `${step} ${by}`)).toEqual([
      ...['KeyCreate u', 'refused () p', 'answered again p', 'KeyDelete u'],
    ]);
  });
});

describe('copies', () => {
  it.each([
    ['KeyBackup', key('k'), 'backup'],
    ['KeyImport', `${key('k')}/${versions[0]}`, 'imported'],
    ['KeyRelease', `${key('k')}/${versions[0]}`, 'released'],
    ['KeyRestore', 'https://elsewhere.vault.azure.net/keys/k', 'restored'],
    ['CertificateImport', 'https://v.vault.azure.net/certificates/k', 'certificateImported'],
    ['CertificateBackup', 'https://v.vault.azure.net/certificates/k', 'certificateBackup'],
  ])('are told by %s', (operation, id, kind) => {
    const told = historyOf(vaultEvent(operation, id, 'u'), vaultEvent(operation, id, 'u'));
    expect(copiesOf(told, [key('k')], [], [])).toMatchObject([{ kind, by: 'u' }]);
    expect(copiesOf(historyOf(vaultEvent(operation, id, 'u', {}, 'Failed')), [key('k')], [], [])).toEqual([]);
    expect(copiesOf(told, [key('other')], [], [])).toEqual([]);
  });

  it('are told by reading the secret of a certificate, and not by reading a secret that bears the name by chance', () => {
    const read = vaultEvent('SecretGet', 'https://v.vault.azure.net/secrets/k', 'u');
    const made = vaultEvent('CertificateCreate', 'https://v.vault.azure.net/certificates/k', 'u');
    expect(copiesOf(historyOf(read), [key('k')], [], [])).toEqual([]);
    expect(copiesOf(historyOf(made, read), [key('k')], [], [])).toMatchObject([{ kind: 'secretOfCertificate' }]);
  });

  it('are told by exports, ended or not, and by followers that keep their keys', () => {
    const folding = foldHistory();
    const event = { category: 'DataExport', resourceId: idOf('c'), properties: { container: 'https://a/x' } };
    folding.add({ sequence: 1, event });
    const found = copiesOf(folding.result(), [], [{ resourceId: idOf('C'), name: 'c' }], ['f']);
    expect(found).toMatchObject([
      { kind: 'export', of: 'https://a/x' },
      { kind: 'follower', of: 'f' },
    ]);
  });

  it('are not told by one that was refused', () => {
    const folding = foldHistory();
    const event = { category: 'InstanceCopy', operationName: 'ClusterRestore', properties: { place: '/old' } };
    folding.add({ sequence: 1, event: { ...event, resultType: 'Refused' } });
    expect(copiesOf(folding.result(), [], [], [])).toEqual([]);
  });

  it.each(['InstanceBackup', 'InstanceMove', 'InstanceRestore', 'InstanceTakenBack'])(
    'are told by %s, which has all clusters',
    (operation) => {
      const folding = foldHistory();
      const event = { category: 'InstanceCopy', operationName: operation, properties: { place: '/old' } };
      for (const sequence of [1, 2]) folding.add({ sequence, event: { ...event, resultType: 'Failed' } });
      expect(copiesOf(folding.result(), [], [], [])).toMatchObject([
        { kind: 'instance', of: '/old', what: expect.stringContaining('there') as string },
      ]);
    },
  );
});

describe('a query after the keys are deleted', () => {
  it.each([
    [200, true, 'opened'],
    [200, false, 'opened'],
    [503, true, 'refused'],
    // Busy, stopped, or started just now; and without the role to read, which says nothing of the key.
    [503, false, 'unclear'],
    [403, true, 'unclear'],
    [403, false, 'unclear'],
  ] as const)('with status %i, the cluster being without its key: %s, is %s', (status, isLocked, outcome) => {
    expect(outcomeOf({ status, value: {} }, isLocked).outcome).toBe(outcome);
  });
});

describe('clusters', () => {
  it('of an earlier certificate are not those that have the name now', async () => {
    const arm = () => Promise.resolve({ value: [] });
    const before = { clusters: [target] } as unknown as ShredCertificate;
    const same = cluster('1', 'c', `${key('k')}/${versions[0]}`);
    expect((await findTargets({ arm }, [same], ['c'], before)).targets).toMatchObject([{ clusterId: '1' }]);
    await expect(
      findTargets({ arm }, [{ ...same, clusterId: '2' as typeof same.clusterId }], ['c'], before),
    ).rejects.toThrow(/the one of that name now is another/);
  });
});

describe('a certificate', () => {
  const tried = { cluster: 'c', host: 'h', database: 'db', table: '<T>' };
  const uncontrolled: Findings = {
    ...{ kustody: '0', madeOn: '2026', madeOnKustodyClock: '2026', dataDirectory: '/d', clusters: [target] },
    keys: [{ key: key('k'), versions: [versions[0]], usedBy: ['c'], state: 'purged' }],
    attempts: [{ ...tried, outcome: 'refused', error: '503 ClusterSuspended' }],
    ...{ copies: [], alsoUsedBy: [], history: { complete: true } },
  };
  const found: Findings = {
    ...uncontrolled,
    control: { madeOn: '2026', tables: [{ ...tried, opened: 1, listed: 1 }] },
  };
  const keyIn = (state: 'there' | 'deleted' | 'unknown') => [
    { key: key('k'), versions: [versions[0]], usedBy: ['c'], state, purgedOn: '2027-01-01T00:00:00.000Z' },
  ];

  it('says destroyed when nothing is left, and pending until the last key is purged', () => {
    expect(makeCertificate(found)).toMatchObject({ status: 'destroyed', reasons: [] });
    expect(makeCertificate({ ...found, keys: keyIn('deleted') })).toMatchObject({
      ...{ status: 'pending', pendingUntil: '2027-01-01T00:00:00.000Z' },
    });
  });

  it.each<[string, Findings]>([
    ['a key is there', { ...found, keys: keyIn('there') }],
    ['no vault here knows a key', { ...found, keys: keyIn('unknown') }],
    ['a table can be read', { ...found, attempts: [{ ...tried, outcome: 'opened' }] }],
    ['a table is not refused for its key', { ...found, attempts: [{ ...tried, outcome: 'unclear', error: '403' }] }],
    ['nothing was read before', uncontrolled],
    [
      'no extent opened before',
      { ...found, control: { madeOn: '2026', tables: [{ ...tried, opened: 0, listed: 1 }] } },
    ],
    ['the audit is not whole', { ...found, history: { complete: false, since: '2026' } }],
    ['there is a copy', { ...found, copies: [{ kind: 'backup', of: 'k', what: 'w' }] }],
  ])('does not when %s', (_what, findings) => {
    const certificate = makeCertificate(findings);
    expect(certificate.status).toBe('notDestroyed');
    expect(certificate.reasons).toHaveLength(1);
    expect(verdictOf(certificate)).toContain(certificate.reasons[0]);
  });

  it('is a page that loads nothing and runs nothing, whatever names say', () => {
    const signature = { algorithm: 'Ed25519', publicKey: '', fingerprint: 'f'.repeat(64), value: '' } as const;
    const page = shredPage({ ...makeCertificate(found), signature });
    expect(page).not.toMatch(/<script|<link|<img|src=|href=|@import|url\(/);
    expect(page).toContain('c/db.&lt;T&gt;');
    expect(page).toContain('class="verdict good"');
  });
});
