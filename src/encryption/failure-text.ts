import type { VersionedKeyId } from '../base/key-id.ts';
import { formatKeyId } from '../base/key-id.ts';
import type { KeyFailure, KeyFailureCause } from './key-wrapper.ts';

/** What happened and what to do about it, for `stateReason`, 503 bodies and `error.details`. */
const causes: Record<KeyFailureCause, { readonly happened: string; readonly remedy: string }> = {
  noSuchHost: {
    happened: 'the vault does not exist',
    remedy: 'Recover the vault; one outside of Kustody must be named with --vault.',
  },
  noIdentity: {
    happened: "the cluster's identity is refused a token",
    remedy: 'Assign the identity to the cluster again.',
  },
  credentialRefused: {
    happened: "the cluster's identity has no valid credential for the outside vault",
    remedy: 'Mend the credential that --vault names.',
  },
  unauthorized: { happened: "the vault rejects the identity's token", remedy: "Check the vault's tenant." },
  forbiddenByPolicy: {
    happened: "an access policy no longer gives the cluster's identity the right to use the key",
    remedy: 'Give the identity the key permissions get, wrapKey and unwrapKey.',
  },
  forbiddenByRbac: {
    happened: "no role assignment gives the cluster's identity the right to use the key",
    remedy: 'Assign the role Key Vault Crypto Service Encryption User.',
  },
  forbiddenByFirewall: {
    happened: 'the firewall of the vault refuses the cluster',
    remedy: "Change the vault's network rules.",
  },
  forbidden: { happened: 'the vault refuses the operation', remedy: "Check the vault's permissions." },
  keyDisabled: { happened: 'the key version is disabled', remedy: 'Enable the key version.' },
  keyExpired: { happened: 'the key version has expired', remedy: 'Set a later expiry date.' },
  keyNotYetValid: { happened: 'the key version is not valid yet', remedy: 'Set an earlier activation date.' },
  keyOperationForbidden: {
    happened: 'the key does not permit the operation',
    remedy: 'Add wrapKey and unwrapKey to key_ops.',
  },
  keyNotFound: { happened: 'the key does not exist', remedy: 'Recover the key.' },
  throttled: { happened: 'the vault is throttling requests', remedy: 'Wait.' },
  serverError: { happened: 'the vault answers with server errors', remedy: 'Wait for the vault.' },
  unreachable: { happened: 'the vault cannot be reached', remedy: 'Check the network.' },
  timeout: { happened: 'the vault does not answer in time', remedy: 'Check the network.' },
  badRequest: { happened: 'the vault calls the request malformed', remedy: 'Restore the record of the cluster key.' },
  wrongLength: {
    happened: 'the vault returned a key of wrong length',
    remedy: 'Restore the record of the cluster key.',
  },
  mismatch: { happened: 'the vault returned another key', remedy: 'Restore the record of the cluster key.' },
  unknown: { happened: 'the vault gave an unknown answer', remedy: "Check the vault and Kustody's log." },
};

/** One sentence that names vault and key, one with the remedy. @param vaultUri as the caller sent it */
export function lostKeyReason(kid: VersionedKeyId, vaultUri: string | undefined, failure: KeyFailure): string {
  const { happened, remedy } = causes[failure.cause];
  const vault = vaultUri ?? `https://${kid.vaultHost}/`;
  return (
    `Key '${kid.name}' in KeyVault '${vault}' (${formatKeyId(kid)}) cannot be used: ${happened}. ` +
    `${remedy} The cluster resumes by itself.`
  );
}
