import { drillPage } from '../../src/cli/drill/page.ts';
import { ownDrillPage } from '../../src/cli/drill/own/own-text.ts';
import { privateWays } from '../../src/cmk/drill/own-ways.ts';
import type { DrillRow } from '../../src/cli/drill/drill.ts';
import type { Outcome } from '../../src/cli/drill/outcome.ts';
import { proofPage } from '../../src/cli/proof/page.ts';
import type { Signature } from '../../src/cli/proof/signature.ts';
import { makeReport } from '../../src/cli/proof/report.ts';
import { makeCertificate } from '../../src/cli/shred/certificate.ts';
import { shredPage } from '../../src/cli/shred/page.ts';
import { newGuid } from '../../src/base/new-guid.ts';
import { actionNames } from '../../src/server/drill-matrix.ts';
import { ways } from '../../src/cli/drill/ways.ts';

/** One page of what an auditor gets, with names as long as Azure takes them. */
export interface EvidencePage {
  readonly name: string;
  readonly html: string;
  /** Their headings. */
  readonly sections: readonly string[];
  readonly landscape: boolean;
  readonly sheetsMax: number;
}

const time = '2026-11-30T19:28:55.225Z';
const version = '82570c395261a5c175bcca5eeb6acec1';
let drawn = 0;
const guid = () => newGuid((count) => Buffer.alloc(count, (drawn += 1)));
const clusterName = 'clusterwithalongname22';
const vault = 'vaultwithaverylongname24';
const key = `https://${vault}.vault.azure.net/keys/${'Key'.repeat(42)}K`; // 127
const table = `Table${'WithNamesOfManyWords'.repeat(12)}`;
const resourceId = `/subscriptions/${guid()}/resourceGroups/${'g'.repeat(90)}/providers/Microsoft.Kusto/Clusters/${clusterName}`;
const signature: Signature = {
  ...{ algorithm: 'PS256', kid: `${key}/${version}`, publicKey: '', value: '' },
  fingerprint: 'f4c3484d8d28c971'.repeat(4),
};
const copies = [
  { kind: 'backup', of: key, what: 'backed up', on: time, by: guid() },
  { kind: 'export', of: `https://account.blob.core.windows.net/${'c'.repeat(63)}`, what: 'exported', on: time },
] as const;

const proof = proofPage({
  signature,
  ...makeReport({
    ...{ kustody: '0.1.0', madeOn: time, dataDirectory: `/home/somebody/${'directory'.repeat(20)}`, copies },
    rootKey: 'besideTheData',
    clusters: [1, 2].map((generation) => ({
      ...{ clusterId: guid(), resourceId, name: clusterName, state: 'Running', custody: 'customer', generation },
      ...{ kid: `${key}/${version}`, followsLatest: false, outsideVault: false, databaseNames: ['db'] },
      suspension: { since: time, reason: `Key '${key}' is disabled.` },
      databases: [
        {
          name: 'db',
          tables: [
            {
              ...{ name: table, loggedRows: 3 },
              extents: Array.from({ length: 12 }, () => ({
                ...{ extentId: guid(), dekId: guid(), rowCount: 12_345_678, sealedBytes: 987_654_321 },
                ...{ minCreatedOn: 0, maxCreatedOn: 0 },
              })),
            },
          ],
        },
      ],
    })),
    custody: ['KeyCreate', 'KeyRotate', 'first used', 'refused'].map((step) => ({
      ...{ key: key.toLowerCase(), version, step, by: guid(), cluster: resourceId.toLowerCase(), time },
    })),
    keyUses: ['KeyGet', 'KeyWrap', 'KeyUnwrap', 'KeyGetRotationPolicy'].map((operation) => ({
      ...{ operation, kid: `${key}/${version}`, caller: guid(), result: 'Not Found', count: 12_345 },
      ...{ first: time, last: time },
    })),
    canaries: ['canary', 'c'.repeat(300)],
    controls: [{ canary: 'canary', table: `${clusterName}/db.${table}`, rows: 500 }],
    scan: {
      ...{ files: 13, bytes: 10_000_000, unreadable: [`/home/${'u'.repeat(200)}`] },
      matches: [{ canary: 'canary', file: `/home/${'f'.repeat(200)}`, form: 'base64', offset: 17 }],
    },
  }),
});

const shred = shredPage({
  signature,
  ...makeCertificate({
    ...{ kustody: '0.1.0', madeOn: time, madeOnKustodyClock: time, dataDirectory: '/home/somebody/data', copies },
    clusters: [{ clusterId: guid(), resourceId, name: clusterName, follower: false, principals: [] }],
    keys: Array.from({ length: 12 }, (_, at) => ({
      ...{ key: `${key.toLowerCase().slice(0, -1)}${at % 10}`, versions: [version], usedBy: [clusterName] },
      ...({ firstUsed: time, lastUsed: time, state: 'deleted', purgedOn: time } as const),
    })),
    control: {
      madeOn: time,
      tables: [{ cluster: clusterName, host: '', database: 'db', table, opened: 3, listed: 3 }],
    },
    attempts: [
      {
        ...({ cluster: clusterName, host: '', database: 'db', table, outcome: 'refused' } as const),
        error: '503 ClusterSuspended',
      },
    ],
    alsoUsedBy: [{ key, caller: guid(), last: time }],
    history: { complete: false, since: time },
  }),
});

const refused = (status: number, error: string): Outcome => ({ kind: 'refused', status, error });
const outcomes = Object.fromEntries(
  actionNames.map((action) => [
    action,
    action === 'start' || action === 'rotate'
      ? refused(400, 'IdentityDoesNotHaveAccessToKeyVault')
      : refused(503, 'ClusterSuspended'),
  ]),
) as DrillRow['outcomes'];
const rows = ways.map(({ name, title, bites }): DrillRow => ({
  ...{ way: name, title, bites, bitAfterSeconds: 3600, healedAfterSeconds: 30, problems: [], outcomes },
}));

const served = { served: false, status: 503, error: 'ClusterSuspended' };
const own = ownDrillPage(
  {
    cluster: { id: resourceId, name: clusterName },
    key: { keyName: 'Key'.repeat(42) },
    vault: { name: vault },
    version,
  },
  {
    ...{ place: 'Azure', ways: [], waitSeconds: 3600 },
    notDone: Object.entries(privateWays).map(([way, why]) => ({ way, why })),
  },
  ['key version disabled', 'key deleted'].map((title) => ({
    ...{ way: title, title, query: served, command: served, bitAfterSeconds: 3599.9, healedAfterSeconds: 12.1 },
    changes: [`disable version ${version} of key '${'Key'.repeat(42)}' in vault ${vault}`],
    problems: [`It did not serve again within 3600 s; all is as it was before.`],
  })),
  time,
);

export const evidencePages: readonly EvidencePage[] = [
  {
    ...{ name: 'the proof', html: proof, landscape: false, sheetsMax: 10 },
    sections: [
      ...['Which key opens what', 'History of custody', 'What was asked of these keys'],
      ...['What is not taken away with these keys', 'Scan of the disk', 'What this does not prove'],
    ],
  },
  {
    ...{ name: 'the crypto-shred certificate', html: shred, landscape: false, sheetsMax: 5 },
    sections: [
      ...['Clusters', 'Keys that they and their databases are, or ever were, under', 'What was tried'],
      ...['What could still open or hold the data', 'Others who have used the keys', 'What this does not prove'],
    ],
  },
  {
    ...{ name: 'the drill', html: drillPage(rows, time), landscape: true, sheetsMax: 2, sections: [] },
  },
  {
    ...{ name: 'the drill of a cluster', html: own, landscape: false, sheetsMax: 2 },
    sections: ['What was changed, and undone again', 'Not done'],
  },
];
