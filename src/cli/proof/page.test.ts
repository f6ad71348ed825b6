import { describe, expect, it } from 'vitest';
import { parseGuid } from '../../base/guid.ts';
import type { Guid } from '../../base/guid.ts';
import type { ClusterDescription } from '../../server/cluster-inventory.ts';
import { dependants } from '../custody/lineage.ts';
import { parseKeyId } from '../../base/key-id.ts';
import type { KeyId } from '../../base/key-id.ts';
import { proofPage } from './page.ts';
import { makeReport } from './report.ts';
import type { ProofReport } from './report.ts';
import { verdictOf } from './verdict.ts';
import type { SignedReport } from './signature.ts';

const guid = (digit: string): Guid => {
  const parsed = parseGuid(`${digit.repeat(8)}-0000-4000-8000-000000000000`);
  if (parsed === undefined) throw new Error('a guid');
  return parsed;
};

const version = '0123456789abcdef0123456789abcdef';
const cluster: ClusterDescription = {
  ...{ clusterId: guid('1'), resourceId: '/r', name: 'c', state: 'Running', custody: 'customer' },
  ...{ kid: `https://v.vault.azure.net/keys/Key/${version}`, followsLatest: false, generation: 3 },
  outsideVault: false,
  databaseNames: ['db'],
  databases: [
    {
      name: 'db',
      tables: [
        {
          name: '<b>T</b>',
          loggedRows: 2,
          extents: [
            {
              ...{ extentId: guid('2'), dekId: guid('3'), rowCount: 7, sealedBytes: 2048 },
              minCreatedOn: 0,
              maxCreatedOn: 0,
            },
          ],
        },
      ],
    },
  ],
};

const control = { canary: 'canary', table: 'c/db.T', rows: 2 };
const signature = { algorithm: 'Ed25519', publicKey: '', fingerprint: 'f'.repeat(64), value: '' } as const;
const report = (found: Partial<ProofReport>): SignedReport => ({
  signature,
  ...makeReport({
    ...{ kustody: '0', madeOn: '2026-01-01T00:00:00.000Z', dataDirectory: '/d', rootKey: 'elsewhere' },
    ...{
      clusters: [cluster],
      custody: [],
      keyUses: [],
      copies: [],
      canaries: ['canary'],
      controls: [control],
      scan: { files: 3, bytes: 9, unreadable: [], matches: [] },
    },
    ...found,
  }),
});

describe('proofPage', () => {
  it('shows names as text, whatever they are', () => {
    const page = proofPage(report({ canaries: ['"><script>alert(1)</script>'] }));
    expect(page).not.toContain('<script');
    expect(page).not.toContain('<b>T</b>');
    expect(page).toContain('db.&lt;b&gt;T&lt;/b&gt;');
    expect(page).toContain('generation 3');
    expect(page).toContain('2 rows are in the log of small writes');
  });

  it('lists what is not taken away with the keys, where there is any', () => {
    const copy = { kind: 'instance', of: '/<kept>', what: 'a backup' } as const;
    expect(proofPage(report({ copies: [copy] }))).toContain('<td>/&lt;kept&gt;</td><td>a backup</td>');
    expect(proofPage(report({}))).not.toContain('not taken away with');
  });
});

describe('the verdict', () => {
  const matches = [{ file: 'f', canary: 'canary', form: 'UTF-8', offset: 1 }] as const;
  it.each([
    [{}, true, /^The canary is not in any of 3 files/],
    [{ canaries: [], controls: [] }, true, /nothing was looked for/],
    [{ controls: [{ canary: 'canary', rows: 0 }] }, false, /^NOT SHOWN: no row that can be queried now holds 'canary'/],
    [{ scan: { files: 3, bytes: 9, unreadable: [], matches } }, false, /^FOUND: 1 of 3 files/],
    [{ scan: { files: 3, bytes: 9, unreadable: ['f'], matches: [] } }, false, /^NOT KNOWN: 1 of 3/],
  ])('%j', (found: Partial<ProofReport>, ok, text) => {
    expect(report(found).ok).toBe(ok);
    expect(verdictOf(report(found))).toMatch(text);
  });
});

describe('dependants', () => {
  const key = (text: string): KeyId => {
    const parsed = parseKeyId(text);
    if (parsed === undefined) throw new Error('a key id');
    return parsed;
  };

  it.each([
    ['https://v.vault.azure.net/keys/key', 1],
    [`https://V.vault.azure.net/keys/KEY/${version}`, 1],
    [`https://v.vault.azure.net/keys/key/${'f'.repeat(32)}`, 0],
    ['https://v.vault.azure.net/keys/other', 0],
    ['https://w.vault.azure.net/keys/key', 0],
  ])('%s: %i', (kid, count) => {
    expect(dependants([cluster], key(kid))).toHaveLength(count);
  });

  it('of the key of a database are that database alone', () => {
    const kid = `https://v.vault.azure.net/keys/own/${version}`;
    const own = {
      name: 'b',
      databaseId: cluster.clusterId,
      kid,
      outsideVault: false,
      followsLatest: true,
      generation: 1,
    };
    const other = { ...own, name: 'c', kid: `https://v.vault.azure.net/keys/other/${version}` };
    const databases = ['a', 'b', 'c'].map((name) => ({ name, tables: [] }));
    const whole = { ...cluster, databases, databaseKeys: [own, other] };
    expect(dependants([whole], key(kid))).toEqual([
      { ...whole, databases: [{ name: 'b', tables: [] }], databaseKeys: [own] },
    ]);
    expect(dependants([whole], key(cluster.kid))).toEqual([whole]);
    expect(dependants([whole], key(`https://v.vault.azure.net/keys/own/${'f'.repeat(32)}`))).toEqual([]);
  });
});
