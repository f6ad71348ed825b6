import { describe, expect, it } from 'vitest';
import { memoryState } from '../../audit/memory-state.fixture.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { openProofKey } from '../../server/proof-key.ts';
import type { ProofKey } from '../../server/proof-key.ts';
import type { ProofReport } from './report.ts';
import { makeReport } from './report.ts';
import { checkSignature, signReport } from './signature.ts';

const report: ProofReport = makeReport({
  ...{ kustody: '0', madeOn: '2026-01-01T00:00:00.000Z', dataDirectory: '/d', rootKey: 'elsewhere' },
  ...{
    clusters: [],
    custody: [],
    keyUses: [],
    copies: [],
    canaries: ['ü"\u2028'],
    controls: [{ canary: 'x', rows: 2 }],
  },
  scan: { files: 3, bytes: 9, unreadable: [], matches: [] },
});

const clientOf = (key: ProofKey) => ({
  call: (_method: string, _path: string, body?: unknown) => {
    const { sha256 } = body as { readonly sha256: string };
    const { publicKey, fingerprint } = key;
    return Promise.resolve({ algorithm: 'Ed25519', publicKey, fingerprint, value: key.sign(sha256) });
  },
});

async function signed() {
  const key = await openProofKey((await memoryState()).state, systemRandomBytes);
  const document = await signReport(clientOf(key), report);
  // As a file has it, whatever wrote its members in which order.
  const members = Object.entries(JSON.parse(JSON.stringify(document)) as Record<string, unknown>);
  return { key, document: Object.fromEntries(members.toReversed()) };
}

describe('signature of a proof', () => {
  it('is valid for what was signed, in whatever order and layout', async () => {
    const { key, document } = await signed();
    expect(checkSignature(document, undefined)).toEqual({ ok: true, fingerprint: key.fingerprint });
    expect(checkSignature(document, key.fingerprint.toUpperCase())).toMatchObject({ ok: true });
  });

  it('is of one key for good', async () => {
    const { state } = await memoryState();
    const [first, second] = await Promise.all([
      openProofKey(state, systemRandomBytes),
      openProofKey(state, systemRandomBytes),
    ]);
    expect(second.publicKey).toBe(first.publicKey);
    expect((await openProofKey(state, systemRandomBytes)).fingerprint).toBe(first.fingerprint);
  });

  it.each([
    ['another verdict', (one: Record<string, unknown>) => ({ ...one, ok: false })],
    ['a member less', (one: Record<string, unknown>) => ({ ...one, scan: undefined })],
    ['a member more', (one: Record<string, unknown>) => ({ ...one, also: 1 })],
    ['another time', (one: Record<string, unknown>) => ({ ...one, madeOn: '2027-01-01T00:00:00.000Z' })],
  ])('is not valid with %s', async (_, change) => {
    const { document } = await signed();
    expect(checkSignature(change(document), undefined)).toMatchObject({
      ...{ ok: false, why: expect.stringMatching(/was changed/) as string },
    });
  });

  it.each([
    ['no proof', [], /no proof/],
    ['none', { ok: true }, /not signed/],
    ['another algorithm', { signature: { algorithm: 'none' } }, /'none'/],
    ['no key', { signature: { algorithm: 'Ed25519', publicKey: 'AAAA', value: '' } }, /changed/],
  ])('is missing: %s', (_, document, why) => {
    const check = checkSignature(document, undefined);
    expect(check).toMatchObject({ ok: false, why: expect.stringMatching(why) as string });
  });

  it('is not taken for that of another instance', async () => {
    const { document } = await signed();
    const other = await openProofKey((await memoryState()).state, systemRandomBytes);
    expect(checkSignature(document, other.fingerprint)).toMatchObject({
      ok: false,
      why: expect.stringMatching(/another key/) as string,
    });
    const forged = { ...document, signature: { ...(document['signature'] as object), publicKey: other.publicKey } };
    expect(checkSignature(forged, undefined)).toMatchObject({ ok: false });
  });
});
