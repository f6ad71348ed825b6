import type { CatalogOptions } from './catalog.ts';
import { CatalogSeal } from './catalog-seal.ts';
import type { CatalogWrite } from './catalog-store.ts';
import { encodeRecord } from './record-coding.ts';
import { headId } from './records.ts';

/** The catalog of a cluster that holds nothing yet. It is committed together with the cluster's first key, so a catalog that is
 * not there was lost. */
export function emptyCatalog({
  clusterId,
  keys,
  randomBytes,
}: Pick<CatalogOptions, 'clusterId' | 'keys' | 'randomBytes'>): CatalogWrite {
  const seal = new CatalogSeal(clusterId, keys, randomBytes);
  const put = seal.seal(headId, 1, encodeRecord({ kind: 'head', sum: '0' }));
  seal.close();
  return { id: headId, expect: null, put };
}
