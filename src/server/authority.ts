import { invariant } from '../base/invariant.ts';
import { isJsonObject } from '../base/json.ts';
import type { RandomBytes } from '../base/random.ts';
import type { AuthorityMaterial, CertificateAuthority } from '../http/certificate-authority.ts';
import { createAuthorityMaterial, openAuthority } from '../http/certificate-authority.ts';
import type { State, Table } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';

const authorityTable: Table<AuthorityMaterial> = {
  name: 'certificate-authority',
  parse: (value) => {
    invariant(
      isJsonObject(value) && typeof value['certificatePem'] === 'string' && typeof value['privateKeyPem'] === 'string',
      'a certificate authority has a certificate and a key',
    );
    return { certificatePem: value['certificatePem'], privateKeyPem: value['privateKeyPem'] };
  },
};

/** The data directory's own certificate authority; made at the first start, its key sealed like every record. */
export async function openStoredAuthority(
  state: State,
  options: { readonly wallClock: () => number; readonly randomBytes: RandomBytes },
): Promise<CertificateAuthority> {
  const found = await state.get(authorityTable, 'root');
  if (found !== undefined) return openAuthority(found.value, options);
  const material = await createAuthorityMaterial(options);
  await state.commit({ write: [writeRecord(authorityTable, 'root', null, material)] });
  return openAuthority(material, options);
}
