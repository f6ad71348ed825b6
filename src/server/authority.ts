import { invariant } from '../base/invariant.ts';
import { isJsonObject } from '../base/json.ts';
import type { RandomBytes } from '../base/random.ts';
import type { AuthorityMaterial, CertificateAuthority } from '../http/certificate-authority.ts';
import { createAuthorityMaterial, openAuthority } from '../http/certificate-authority.ts';
import { certificateEndMs, createNodeAuthority, rootLeftMsMin } from '../http/node-authority.ts';
import { StateConflictError } from '../state/state-store.ts';
import type { State, Table } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';

const authorities = (name: string): Table<AuthorityMaterial> => ({
  name,
  parse: (value) => {
    invariant(
      isJsonObject(value) && typeof value['certificatePem'] === 'string' && typeof value['privateKeyPem'] === 'string',
      'a certificate authority has a certificate and a key',
    );
    return { certificatePem: value['certificatePem'], privateKeyPem: value['privateKeyPem'] };
  },
});

const authorityTable = authorities('certificate-authority');
/** Its only record is `rootId`. */
export const nodeAuthorityTable = authorities('node-authority');
export const rootId = 'root';

/** The data directory's own certificate authority; made at the first start, its key sealed like every record. */
export async function openStoredAuthority(
  state: State,
  options: { readonly wallClock: () => number; readonly randomBytes: RandomBytes },
): Promise<CertificateAuthority> {
  const found = await state.get(authorityTable, rootId);
  if (found !== undefined) return openAuthority(found.value, options);
  const material = await createAuthorityMaterial(options);
  await state.commit({ write: [writeRecord(authorityTable, rootId, null, material)] });
  return openAuthority(material, options);
}

/** The root of what the instance's nodes say to each other. The first one that serves makes it, and one that finds less than a year of it left makes another;
 * of several at a time one does, and the others take that. */
export async function openNodeAuthority(state: State, wallClock: () => number): Promise<AuthorityMaterial> {
  for (;;) {
    const found = await state.get(nodeAuthorityTable, rootId);
    if (found !== undefined && certificateEndMs(found.value.certificatePem) - wallClock() > rootLeftMsMin)
      return found.value;
    const material = await createNodeAuthority(wallClock());
    try {
      await state.commit({ write: [writeRecord(nodeAuthorityTable, rootId, found?.version ?? null, material)] });
      return material;
    } catch (error) {
      if (!(error instanceof StateConflictError)) throw error;
    }
  }
}
