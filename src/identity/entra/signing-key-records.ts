import type { Table } from '../../state/state.ts';
import { recordFields } from '../record-fields.ts';

/** The public half of one generation. */
export interface StoredKey {
  /** Thumbprint of the certificate, as `x5t`: base64url of its SHA-1. */
  readonly kid: string;
  /** DER, base64url. */
  readonly certificate: string;
}

export interface StoredKeys {
  readonly format: 1;
  /** Newest first. */
  readonly generations: readonly StoredKey[];
}

/** Read with every request, so it holds nothing secret. */
export const signingKeysTable: Table<StoredKeys> = {
  name: 'entraSigningKeys',
  parse: (value) => ({
    format: 1,
    generations: recordFields(value, 'entraSigningKeys', 1)
      .list('generations')
      .map((item) => {
        const fields = recordFields(item, 'entraSigningKeys (generation)');
        return { kid: fields.text('kid'), certificate: fields.text('certificate') };
      }),
  }),
};
export const signingKeysId = 'keys';

/** By kid: PKCS #8, base64url. Of the newest generation only. */
export const privateKeyTable: Table<{ readonly format: 1; readonly privateKey: string }> = {
  name: 'entraPrivateKey',
  parse: (value) => ({ format: 1, privateKey: recordFields(value, 'entraPrivateKey', 1).text('privateKey') }),
};
