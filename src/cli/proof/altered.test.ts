import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { fuzz } from '../../../tests/support/fuzz.ts';
import { memoryState } from '../../audit/memory-state.fixture.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { openProofKey } from '../../server/proof-key.ts';
import type { ProofKey } from '../../server/proof-key.ts';
import { parseSigned } from './parse-signed.ts';
import { checkSignature, signReport } from './signature.ts';
import { verifyProof } from './verify-action.ts';

/** Every kind of value that a proof has, at every depth. */
const report = {
  ...{ ok: true, kustody: '0.1.0', madeOn: '2026-01-01T00:00:00.000Z', rootKey: 'elsewhere', limits: ['a', 'b'] },
  clusters: [
    {
      ...{
        name: 'kustody',
        generation: 3,
        followsLatest: false,
        warning: null,
        kid: 'https://v.vault.azure.net/keys/k',
      },
      databases: [{ name: 'db', tables: [{ name: 'T', extents: [{ rowCount: 500, sealedBytes: 7_654_321 }] }] }],
    },
  ],
  canaries: ['ü"\u2028\\ 漢', ''],
  scan: { files: 13, none: 0, share: 0.25, small: 1e-7, matches: [] },
};

const clientOf = ({ publicKey, fingerprint, sign }: ProofKey) => ({
  call: (_method: string, _path: string, body?: unknown) =>
    Promise.resolve({
      ...{ algorithm: 'Ed25519', publicKey, fingerprint },
      value: sign((body as { readonly sha256: string }).sha256),
    }),
});

type Value = null | boolean | number | string | Value[] | { [name: string]: Value };
type Members = { [name: string]: Value };

let own: ProofKey;
let other: ProofKey;
let signed: Members;
let text: string;
let bytes: Buffer;

beforeAll(async () => {
  own = await openProofKey((await memoryState()).state, systemRandomBytes);
  other = await openProofKey((await memoryState()).state, systemRandomBytes);
  text = JSON.stringify(await signReport(clientOf(own), report), undefined, 2);
  signed = JSON.parse(text) as Members;
  bytes = Buffer.from(text);
});

/** Whether it is taken, with the fingerprint of its instance, too. */
function isTaken(file: Uint8Array | string, fingerprint?: string): boolean {
  try {
    return checkSignature(parseSigned(Buffer.from(file)), fingerprint).ok;
  } catch {
    return false;
  }
}

/** All values with the way to them. */
function* placesIn(value: Value, path: readonly string[] = []): Generator<{ path: readonly string[]; value: Value }> {
  if (path.length > 0) yield { path, value };
  if (typeof value === 'object' && value !== null)
    for (const [name, member] of Object.entries(value)) yield* placesIn(member, [...path, name]);
}

/** The same document with something else in one place; undefined: nothing. */
function withOther(path: readonly string[], change: (value: Value) => Value | undefined): string {
  const copy = structuredClone(signed);
  let holder: Members = copy;
  for (const name of path.slice(0, -1)) holder = holder[name] as Members;
  const name = path.at(-1) ?? '';
  const changed = change(holder[name] ?? null);
  if (changed !== undefined) holder[name] = changed;
  else if (Array.isArray(holder)) holder.splice(Number(name), 1);
  else Reflect.deleteProperty(holder, name);
  return JSON.stringify(copy);
}

/** Another value of the same kind. */
function another(value: Value): Value {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'string') return value === '' ? 'x' : `${value.slice(0, -1)}${value.endsWith('A') ? 'B' : 'A'}`;
  if (typeof value === 'boolean') return !value;
  if (value === null) return false;
  return Array.isArray(value) ? [...value, 'more'] : { ...value, more: 1 };
}

const reversed = (value: Value): Value => {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]) => [name, reversed(member)]),
  );
};

describe('a signed document', () => {
  it('is taken as it was written, in any layout and order of members', () => {
    for (const same of [text, JSON.stringify(signed), JSON.stringify(reversed(signed), undefined, '\t')])
      expect(isTaken(same, own.fingerprint)).toBe(true);
  });

  it('is not taken with one bit of it otherwise, wherever that is', () => {
    const taken: number[] = [];
    for (const [at, byte] of bytes.entries()) {
      const altered = Buffer.from(bytes);
      altered[at] = byte ^ (1 << (at % 8));
      if (isTaken(altered)) taken.push(at);
    }
    expect(taken).toEqual([]);
  });

  it('is not taken with one byte of it otherwise, unless that is white space between two tokens', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        const altered = Buffer.from(bytes);
        altered[at] = byte;
        const isLayout = /^[ \n\r\t]{2}$/.test(String.fromCharCode(bytes[at] ?? 0, byte));
        if (byte !== bytes[at] && !isLayout) expect(isTaken(altered)).toBe(false);
      }),
      fuzz(3000, 600),
    );
  });

  it('is not taken with another value, a value less or a value more in any place', () => {
    const places = [...placesIn(signed)];
    expect(places.length).toBeGreaterThan(35);
    const taken = places.flatMap(({ path }) =>
      [another, () => undefined, () => ({}), () => null]
        .filter((change, index) => {
          if (index === 3 && path.join('.') === 'clusters.0.warning') return false; // it is null
          return isTaken(withOther(path, change));
        })
        .map(() => path.join('.')),
    );
    expect(taken).toEqual([]);
  });

  it('is not taken with a member twice, whichever of them is the true one', () => {
    const names = [...text.matchAll(/^ *("(?:[^"\\]|\\.)*"): /gm)];
    expect(names.length).toBeGreaterThan(25);
    for (const { index, 0: member, 1: name = '' } of names) {
      const at = index + member.indexOf('"');
      const escaped = `"\\u${(name.codePointAt(1) ?? 0).toString(16).padStart(4, '0')}${name.slice(2)}`;
      for (const twice of [name, escaped])
        expect(isTaken(`${text.slice(0, at)}${twice}: "forged", ${text.slice(at)}`)).toBe(false);
    }
    for (const whole of [`{"ok": false, ${text.slice(1)}`, `${text.slice(0, -2)}, "ok": true}`])
      expect(isTaken(whole)).toBe(false);
  });

  it.each([
    ['digits that are lost', '"files": 13', '"files": 13.0000000000000000001'],
    ['another form of a number', '"files": 13', '"files": 1.3e1'],
    ['a zero less than nothing', '"none": 0', '"none": -0'],
    ['more than a number can be', '"warning": null', '"warning": 1e999'],
  ])('is not taken with %s', (_what, from, to) => {
    expect(text).toContain(from);
    expect(isTaken(text.replace(from, to))).toBe(false);
  });

  it('is taken of nobody else: not with another key, nor signed by another instance', async () => {
    const foreign = JSON.stringify(await signReport(clientOf(other), report));
    expect(isTaken(foreign, other.fingerprint)).toBe(true);
    expect(isTaken(foreign, own.fingerprint)).toBe(false);
    const { publicKey, fingerprint } = other;
    const signature = signed['signature'] as Members;
    for (const change of [{ publicKey }, { fingerprint }, { publicKey, fingerprint }, { kid: 'https://v/keys/k' }])
      expect(isTaken(JSON.stringify({ ...signed, signature: { ...signature, ...change } }))).toBe(false);
  });

  it('is told to be read in two ways', () => {
    const directory = mkdtempSync(join(tmpdir(), 'kustody-altered-'));
    const out = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
    const code = process.exitCode;
    try {
      const file = join(directory, 'proof.json');
      writeFileSync(file, `{"ok": false, ${text.slice(1)}`);
      verifyProof(file, { json: false });
      expect(process.exitCode).toBe(1);
      expect(out.mock.calls.join('')).toMatch(/^NOT VALID: It has the member "ok" twice in one place\./);
      writeFileSync(
        file,
        bytes.map((byte) => (byte === 0xc3 ? 0xff : byte)),
      );
      expect(() => verifyProof(file, { json: false })).toThrow('is no JSON');
    } finally {
      process.exitCode = code;
      out.mockRestore();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
