import { describe, expect, it } from 'vitest';
import { parseGuid } from '../../../base/guid.ts';
import { invariant } from '../../../base/invariant.ts';
import { bytesSource } from '../../../database/ingest/data-source.ts';
import type { QueuedStorage } from '../../../database/queued/queued-storage.ts';
import { accountNames, containerNames, storageHost } from '../../../database/queued/storage-accounts.ts';
import { ownBlobsOr, queuedSource } from './queued-source.ts';
import { signedQuery } from './sas.ts';

const clusterId = parseGuid('11111111-2222-4333-8444-555555555555');
invariant(clusterId !== undefined, 'it is an id');
const key = Buffer.alloc(64, 5);
const hour = 3_600_000;
const [account = ''] = accountNames(clusterId);

/** A cluster with one blob, in the container for results. */
const storage = {
  keys: () => ({ kind: 'storageKeys', accounts: [key.toString('base64url')], identity: '' }),
  blobs: {
    find: ({ container, name }: { container: string; name: string }) =>
      container === containerNames.export && name === 'x.csv' ? { pieces: [{ length: 6 }] } : undefined,
    // eslint-disable-next-line @typescript-eslint/require-await -- a stream of one piece
    async *read() {
      yield Buffer.from('1,one\n');
    },
  },
} as unknown as QueuedStorage;

function address(name: string, permissions = 'r', container: string = containerNames.export): string {
  const query = signedQuery(
    key,
    { service: 'blob', account, name: container },
    { permissions, startsAt: 0, endsAt: hour },
  );
  return `https://${storageHost(account, 'blob')}/${container}/${name}?${query}`;
}

const use = { usage: 'NativeIngestion', database: 'db' } as const;
const elsewhere = (name: string) => bytesSource(`elsewhere ${name}`, Buffer.from('x'));
const sources = (at: number) =>
  ownBlobsOr(elsewhere, { clusterId, storage: () => Promise.resolve(storage), wallClock: () => at });
const codeOf = (error: unknown) => (error as { malformed?: string }).malformed;
const outcome = (text: string, at = 1): Promise<unknown> =>
  sources(at)(text, use)
    .open(undefined)
    .then(({ bytes }) => bytes, codeOf);

describe('blobs in the accounts of the cluster', () => {
  it('are read by their signature, as long as it holds', async () => {
    expect(await outcome(address('x.csv'), 1)).toBe(6);
    expect(await outcome(address('x.csv'), hour)).toBe('Download_Forbidden');
    expect(await outcome(address('x.csv', 'cw'))).toBe('Download_Forbidden');
    expect(await outcome(address('x.csv').replace(/sig=../, 'sig=AA'))).toBe('Download_Forbidden');
    expect(await outcome(address('x.csv').replace(/\?.*/, ''))).toBe('Download_Forbidden');
    expect(await outcome(address('none.csv'))).toBe('Download_SourceNotFound');
  });

  it('have names without their signature', () => {
    expect(sources(1)(address('x.csv'), use).name).toBe(`https://${storageHost(account, 'blob')}/exportresults/x.csv`);
  });

  it('are told from blobs elsewhere, for commands and for messages', () => {
    expect(sources(1)('https://other.blob.core.windows.net/x', use).name).toBe(
      'elsewhere https://other.blob.core.windows.net/x',
    );
    const { blob, source } = queuedSource(storage, { clusterId, elsewhere, use }, 'https://other/x', 1);
    expect([blob, source.name]).toEqual([undefined, 'elsewhere https://other/x']);
  });

  it('count in a message as of when it was sent', () => {
    const of = (sentOn: number) =>
      queuedSource(storage, { clusterId, elsewhere, use }, address('x.csv'), sentOn).source.name;
    expect(of(hour - 1)).toContain('exportresults/x.csv');
    expect(() => of(hour)).toThrow('not signed');
  });
});
