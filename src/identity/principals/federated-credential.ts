import type { Guid } from '../../base/guid.ts';
import type { Json } from '../../base/json.ts';
import { recordFields } from '../record-fields.ts';

/** Whose tokens are taken: all is compared letter by letter. */
export interface TrustedIssuer {
  readonly issuer: string;
  /** Missing where an expression says which claims a token must have. */
  readonly subject?: string | undefined;
  /** In version 1 of the language of flexible credentials (`claims-expression.ts`). */
  readonly expression?: string | undefined;
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
    subject: fields.optionalText('subject'),
    expression: fields.optionalText('expression'),
    audience: fields.text('audience'),
    description: fields.optionalText('description'),
  };
}
