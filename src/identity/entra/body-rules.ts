import type { BodyRules } from '../../http/shown-body.ts';

/** What may be seen of token requests and their answers: what was asked for, and why it was refused. No row has a token, a secret, a code, a
 * password or an assertion. */
export const entraBodyRules: BodyRules = {
  shown: new Set([
    ...['grant_type', 'scope', 'resource', 'client_id', 'client_assertion_type', 'requested_token_use'],
    ...['response_type', 'client_info', 'token_type', 'expires_in', 'ext_expires_in', 'expires_on', 'not_before'],
    ...['interval', 'verification_uri', 'error', 'error_description', 'error_codes', 'error_uri', 'timestamp'],
    ...['trace_id', 'correlation_id', 'suberror'],
    ...['issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri', 'tenant_region_scope'],
  ]),
};
