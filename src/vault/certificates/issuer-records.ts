import { invariant } from '../../base/invariant.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Table } from '../../state/state.ts';
import { formatOne } from '../objects/object-kind.ts';

/** An issuer of a vault. Passwords of accounts are not kept: nobody here would use them. */
export interface IssuerRecord {
  readonly format: 1;
  /** As first written; compared without case. */
  readonly name: string;
  readonly provider: string;
  readonly credentials?: JsonObject;
  readonly organization?: JsonObject;
  readonly enabled: boolean;
  /** Milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Of the provider that signs here. */
  readonly authority?: { readonly subject: string; /** X.509 DER, base64. */ readonly cer: string };
}

/** The key that such a provider signs with. */
export interface IssuerKeyRecord {
  readonly format: 1;
  /** PKCS #8 DER, base64url. */
  readonly pkcs8: string;
}

/** Whom to tell about certificates that expire. */
export interface ContactsRecord {
  readonly format: 1;
  readonly contacts: readonly JsonObject[];
}

export const vaultIssuers: Table<IssuerRecord> = {
  name: 'vault-certificate-issuers',
  parse: (value) => {
    invariant(typeof formatOne(value, 'issuer')['provider'] === 'string', 'an issuer has a provider');
    return value as unknown as IssuerRecord;
  },
};

export const vaultIssuerKeys: Table<IssuerKeyRecord> = {
  name: 'vault-certificate-issuer-keys',
  parse: (value) => {
    invariant(typeof formatOne(value, 'issuer key')['pkcs8'] === 'string', 'an issuer key record has a key');
    return value as unknown as IssuerKeyRecord;
  },
};

export const vaultContacts: Table<ContactsRecord> = {
  name: 'vault-certificate-contacts',
  parse: (value) => {
    invariant(Array.isArray(formatOne(value, 'contacts')['contacts']), 'a contacts record has contacts');
    return value as unknown as ContactsRecord;
  },
};

export const issuerRecordId = (vaultId: string, name: string): string => `${vaultId}/${name.toLowerCase()}`;
export const contactsRecordId = (vaultId: string): string => `${vaultId}/contacts`;
