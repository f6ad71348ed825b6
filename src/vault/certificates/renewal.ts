import { fromBase64Url } from '../../base/base64url.ts';
import { invariant } from '../../base/invariant.ts';
import type { StateWrite } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { vaultKeys, vaultPrivateKeys } from '../keys/key-records.ts';
import { makeKey } from '../keys/key-types.ts';
import { newRecord } from '../keys/new-version.ts';
import type { RsaKeyPool } from '../rsa/rsa-keys.ts';
import { vaultSecrets } from '../secrets/secret-records.ts';
import type { VaultSettings } from '../vault-directory.ts';
import type { FoundCertificate } from './certificate-bundle.ts';
import { selfIssuer, shapeOf } from './certificate-policy.ts';
import { keyOpsFor, keyPairOf } from './create-certificate.ts';
import type { IssueServices } from './issue.ts';
import { newVersion, serialNumber } from './issue.ts';
import { issuerSigner } from './issuer-signer.ts';
import { issuedWrites, privateKeyOf } from './issued-writes.ts';
import { certifiedKey, datesFrom, makeCertificate } from './x509-crypto.ts';

/** A new version by the policy, with a new key unless the policy keeps the old one.
 * @returns undefined when nobody here can sign it any more */
export async function renewalWrites(
  services: IssueServices & { readonly keyPool: RsaKeyPool },
  vault: VaultSettings,
  { object, version }: FoundCertificate,
): Promise<readonly StateWrite[] | undefined> {
  const { state, clock, randomBytes, keyPool } = services;
  const { id, value } = object;
  const { policy } = value;
  const properties = policy.x509_props;
  const isOwn = policy.issuer.name === selfIssuer;
  const issuer = isOwn ? undefined : await issuerSigner(state, vault.vaultId, policy.issuer.name);
  if (!isOwn && issuer === undefined) return undefined;
  const shape = shapeOf(policy.key_props, vault);
  const { exportable, reuse_key } = policy.key_props;
  // A key that may not leave does not, even when the policy has changed: then there is a new one.
  const isKept = reuse_key && !(version.value.notExportable && exportable);
  const kept = isKept ? await privateKeyOf(state, version.id) : undefined;
  const pair = kept === undefined ? await makeKey(shape, keyPool) : keyPairOf(kept);
  const privateKey = fromBase64Url(pair.privateKey);
  invariant(privateKey !== undefined, 'a private key is base64url');
  const key = await certifiedKey(privateKey);
  if (key === undefined) return undefined;
  const authority = issuer ?? { signer: { issuer: properties.subject, key }, chain: [] };
  const now = clock.now();
  const dates = datesFrom(now, properties.validity_months);
  const leaf = await makeCertificate(properties, key.publicKey, authority.signer, dates, serialNumber(randomBytes));
  const next = newVersion(randomBytes);
  const keyOps = keyOpsFor(pair.kty, properties.key_usage);
  const { write } = issuedWrites(
    {
      ...{ id, version: next, chain: [leaf, ...authority.chain], privateKey, record: value },
      ...{ enabled: version.value.enabled, tags: version.value.tags },
      notExportable: !exportable,
      stored: {
        certificate: object,
        version: undefined,
        key: await state.get(vaultKeys, id),
        secret: await state.get(vaultSecrets, id),
      },
      keyVersion: {
        stored: undefined,
        value: newRecord(next, { pair, hsm: shape.hsm, release: {}, changes: { keyOps } }, now),
      },
    },
    now,
    randomBytes,
  );
  return [writeRecord(vaultPrivateKeys, `${id}/${next}`, null, { format: 1, pkcs8: pair.privateKey }), ...write];
}
