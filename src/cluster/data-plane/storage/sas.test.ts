import { describe, expect, it } from 'vitest';
import { checkSas, signedQuery } from './sas.ts';

const key = Buffer.alloc(64, 7);
const resource = { service: 'queue', account: 'kust0000000000000000' + '01', name: 'q' } as const;
const [startsAt, endsAt] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 2)];
const query = (): URLSearchParams =>
  new URLSearchParams(signedQuery(key, resource, { permissions: 'rp', startsAt, endsAt }));

describe('a shared access signature', () => {
  it('gives the permissions that it was made for, as long as it holds', () => {
    expect(checkSas(key, resource, query(), startsAt)).toEqual({ outcome: 'granted', permissions: 'rp' });
    expect(checkSas(key, resource, query(), endsAt - 1)).toMatchObject({ outcome: 'granted' });
    expect(checkSas(key, resource, query(), endsAt)).toEqual({ outcome: 'over' });
    expect(checkSas(key, resource, query(), startsAt - 1)).toEqual({ outcome: 'notYet' });
  });

  it.each([
    ['sp', 'racwdl'],
    ['se', '2030-01-01T00:00:00Z'],
    ['st', '2020-01-01T00:00:00Z'],
    ['spr', 'https,http'],
    ['sig', 'AAAA'],
  ])('is none with another %s', (name, value) => {
    const changed = query();
    changed.set(name, value);
    expect(checkSas(key, resource, changed, startsAt)).toEqual({ outcome: 'badSignature' });
  });

  it('is of one resource, one account, one key and one version', () => {
    for (const other of [{ name: 'other' }, { account: 'kust000000000000000002' }, { service: 'table' as const }])
      expect(checkSas(key, { ...resource, ...other }, query(), startsAt)).toEqual({ outcome: 'badSignature' });
    expect(checkSas(Buffer.alloc(64, 8), resource, query(), startsAt)).toEqual({ outcome: 'badSignature' });
    const older = query();
    older.set('sv', '2012-02-12');
    expect(checkSas(key, resource, older, startsAt)).toEqual({ outcome: 'otherVersion' });
  });
});
