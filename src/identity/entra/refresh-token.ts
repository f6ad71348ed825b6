import { CompactEncrypt, compactDecrypt, errors } from 'jose';
import { fromBase64Url, toBase64Url } from '../../base/base64url.ts';
import { utf8 } from '../../base/bytes.ts';
import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { State, Table } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { recordFields } from '../record-fields.ts';

export interface RefreshGrant {
  readonly userId: Guid;
  readonly tenantId: Guid;
  readonly clientId: Guid;
  readonly issuedAt: Instant;
}

/** Refresh tokens hold what they stand for, sealed: nothing is kept of them, so there is no bound to their number. */
export interface RefreshTokens {
  issue(grant: RefreshGrant): Promise<string>;
  /** @returns undefined for what is none of ours */
  open(token: string): Promise<RefreshGrant | undefined>;
}

const keyTable: Table<{ readonly format: 1; readonly key: string }> = {
  name: 'entraRefreshKey',
  parse: (value) => ({ format: 1, key: recordFields(value, 'entraRefreshKey', 1).text('key') }),
};
const keyBytes = 32;
const tokenCharsMax = 4_096;

export function openRefreshTokens(state: State, randomBytes: RandomBytes): RefreshTokens {
  let loading: Promise<Uint8Array> | undefined;
  const key = (): Promise<Uint8Array> => {
    loading ??= loadKey(state, randomBytes).catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
  return {
    async issue(grant) {
      const text = utf8(JSON.stringify(grant));
      const token = await new CompactEncrypt(text)
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .encrypt(await key());
      return `1.${token}`;
    },
    async open(token) {
      if (!token.startsWith('1.') || token.length > tokenCharsMax) return undefined;
      try {
        const { plaintext } = await compactDecrypt(token.slice(2), await key(), {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
        });
        return readGrant(plaintext);
      } catch (error) {
        if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
        throw error;
      }
    },
  };
}

function readGrant(plaintext: Uint8Array): RefreshGrant | undefined {
  const value: unknown = JSON.parse(new TextDecoder().decode(plaintext));
  if (!isJsonObject(value)) return undefined;
  const [userId, tenantId, clientId] = ['userId', 'tenantId', 'clientId'].map((name) =>
    parseGuid(textMember(value, name)),
  );
  const issuedAt = value['issuedAt'];
  if (userId === undefined || tenantId === undefined || clientId === undefined || typeof issuedAt !== 'number')
    return undefined;
  return { userId, tenantId, clientId, issuedAt: instant(issuedAt) };
}

/** Made when it is first needed; sealed like every record. */
async function loadKey(state: State, randomBytes: RandomBytes): Promise<Uint8Array> {
  for (;;) {
    const found = await state.get(keyTable, 'key');
    if (found !== undefined) {
      const key = fromBase64Url(found.value.key);
      invariant(key?.byteLength === keyBytes, 'the key of refresh tokens is 256 bits');
      return key;
    }
    const record = { format: 1, key: toBase64Url(randomBytes(keyBytes)) } as const;
    try {
      await state.commit({ write: [writeRecord(keyTable, 'key', null, record)] });
    } catch (error) {
      if (!(error instanceof StateConflictError)) throw error;
    }
  }
}
