import type { BodyRules } from '../../http/shown-body.ts';

/** What may be seen of bodies of vaults: what describes objects, the public half of keys, and errors. No row has `value`, private members of
 * keys, passwords, or what is wrapped, signed, or encrypted. */
export const vaultBodyRules: BodyRules = {
  shown: new Set([
    ...['id', 'kid', 'sid', 'name', 'recoveryId', 'nextLink', 'provider', 'kty', 'crv', 'key_ops', 'key_size', 'alg'],
    ...['n', 'e', 'x', 'y', 'exp', 'nbf', 'created', 'updated', 'recoverableDays', 'recoveryLevel', 'contentType'],
    ...['deletedDate', 'scheduledPurgeDate', 'type', 'timeAfterCreate', 'timeBeforeExpiry', 'expiryTime'],
    ...['action_type', 'lifetime_percentage', 'days_before_expiry', 'validity_months', 'subject', 'dns_names'],
    ...['emails', 'upns', 'ekus', 'key_usage', 'cty', 'cert_type', 'status', 'status_details', 'request_id', 'x5t'],
    ...['code', 'message', 'target'],
  ]),
};
