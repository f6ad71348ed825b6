import { fromBase64Url } from '../../base/base64url.ts';
import type { State } from '../../state/state.ts';
import { issuerRecordId, vaultIssuerKeys, vaultIssuers } from './issuer-records.ts';
import type { Signer } from './x509-crypto.ts';
import { certifiedKey } from './x509-crypto.ts';

/** @returns undefined for an issuer that is not there, or whose provider signs nothing here */
export async function issuerSigner(
  state: State,
  vaultId: string,
  name: string,
): Promise<{ readonly signer: Signer; readonly chain: readonly Buffer[] } | undefined> {
  const id = issuerRecordId(vaultId, name);
  const issuer = await state.get(vaultIssuers, id);
  const record = await state.get(vaultIssuerKeys, id);
  const authority = issuer?.value.authority;
  const der = record && fromBase64Url(record.value.pkcs8);
  const key = der && (await certifiedKey(der));
  if (authority === undefined || key === undefined) return undefined;
  return { signer: { issuer: authority.subject, key }, chain: [Buffer.from(authority.cer, 'base64')] };
}
