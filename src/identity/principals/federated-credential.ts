import type { Guid } from '../../base/guid.ts';
import type { Json } from '../../base/json.ts';
import { recordFields } from '../record-fields.ts';

/** Whose tokens are taken: all three are compared letter by letter. */
export interface TrustedIssuer {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
}

/** Lets an application prove itself with a token of another issuer, in place of a secret. */
export interface FederatedCredential extends TrustedIssuer {
  readonly id: Guid;
  /** Of its owner's choice; stays as it is. */
  readonly name: string;
  readonly description: string | undefined;
}

export function parseFederatedCredential(item: Json, table: string): FederatedCredential {
  const fields = recordFields(item, `${table} (federated credential)`);
  return {
    id: fields.guid('id'),
    name: fields.text('name'),
    issuer: fields.text('issuer'),
    subject: fields.text('subject'),
    audience: fields.text('audience'),
    description: fields.optionalText('description'),
  };
}
