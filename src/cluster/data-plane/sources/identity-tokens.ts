import { allowsUsage, identityPoliciesOf } from '../../../database/catalog/managed-identity.ts';
import { dataError, sourceFailed } from '../../../database/catalog/data-error.ts';
import type { ClusterData } from '../../../database/cluster-data.ts';
import type { StorageUse } from '../../../database/ingest/data-source.ts';
import type { CallMain } from '../../messages/data-plane-calls.ts';
import type { SourceAddress } from './source-address.ts';
import type { Proof } from './storage-client.ts';

/** What an address proves itself with, at the moment when it is asked. @throws DataError `SourceFailed` */
export type ProofOf = (address: Pick<SourceAddress, 'name' | 'credential'>, use: StorageUse) => Promise<Proof>;

const code = 'BadRequest_InvalidManagedIdentity';

const nobodyToImpersonate = (name: string): Error =>
  dataError(
    'SourceNotAllowed',
    `The address '${name}' says ';impersonate', and in this flow nobody is there to be impersonated: use a managed identity or a shared access signature.`,
  );

/** Tokens of the sender of a request: the main process makes them, if the token that the request came with still counts. */
export const callerTokens =
  (call: CallMain, authorization: string): (() => Promise<string>) =>
  async () => {
    const minted = await call('impersonation', { authorization });
    if (minted.outcome === 'token') return minted.token;
    throw sourceFailed('Download_Forbidden', `Nobody can be impersonated: ${minted.reason}`);
  };

/** Managed identities prove themselves with a token that the main process makes, for an identity that is assigned to the cluster and that the
 * policy of the cluster or of the database lets be used so.
 * @see Azure Data Explorer "Managed identities overview", supported workflows; Kusto "Storage authentication methods", "Managed identity policy", and `BadRequest_InvalidManagedIdentity` of its ingestion errors */
export const createProofs =
  (call: CallMain, data: () => Promise<Pick<ClusterData, 'clusterSettings' | 'databases'>>): ProofOf =>
  async ({ name, credential }, use) => {
    if (credential.kind === 'impersonation') {
      if (use.callerToken === undefined) throw nobodyToImpersonate(name);
      return { kind: 'token', token: await use.callerToken() };
    }
    if (credential.kind !== 'managedIdentity') return credential;
    const { identity: named } = credential;
    if (use.usage === undefined)
      throw sourceFailed(code, `Authentication with a Managed Identity is disabled for this flow ('${name}').`);
    const refused = (why: string): Error =>
      sourceFailed(code, `The managed identity '${named}' cannot be used for '${name}': ${why}.`);
    const identities = await call('identities', {});
    const found = identities.find((one) => (named === 'system' ? one.isSystem : one.objectId === named));
    if (found === undefined) throw refused('it is not assigned to the cluster');
    const known = await data();
    const database = known.databases().find((one) => one.name === use.database);
    const policies = [...identityPoliciesOf(known.clusterSettings()), ...(database?.policies.managed_identity ?? [])];
    if (!allowsUsage(policies, found.objectId, use.usage))
      throw refused(
        `no managed identity policy of the cluster or of database '${use.database}' allows it the usage ${use.usage}`,
      );
    const minted = await call('storageToken', { identity: found.objectId });
    if (minted.outcome === 'refused') throw refused(minted.reason.replace(/\.$/, ''));
    return { kind: 'token', token: minted.token };
  };
