import type { KeyDescription } from './key-wrapper.ts';

/** RSA and RSA-HSM of these lengths can wrap a cluster key; EC and oct keys never. */
export const keyTypes: readonly string[] = ['RSA', 'RSA-HSM'];
export const keyBits: readonly number[] = [2048, 3072, 4096];

export type KeyUnusable =
  | { readonly outcome: 'wrongType'; readonly found: string }
  | { readonly outcome: 'notUsableNow'; readonly why: 'disabled' | 'expired' | 'notYetValid'; readonly at?: number };

/** Whether a key may be set on a cluster or rotated to. (One that is in use already is judged by unwrapping alone.)
 * @param nowSeconds Kustody clock, Unix seconds */
export function keyUnusable(key: KeyDescription, nowSeconds: number): KeyUnusable | undefined {
  if (!keyTypes.includes(key.keyType)) return { outcome: 'wrongType', found: key.keyType };
  if (key.bits === undefined || !keyBits.includes(key.bits)) {
    return { outcome: 'wrongType', found: `${key.keyType} ${key.bits ?? 'of unknown size'}` };
  }
  if (!key.enabled) return { outcome: 'notUsableNow', why: 'disabled' };
  if (key.notBefore !== undefined && nowSeconds < key.notBefore) {
    return { outcome: 'notUsableNow', why: 'notYetValid', at: key.notBefore };
  }
  if (key.expires !== undefined && nowSeconds >= key.expires) {
    return { outcome: 'notUsableNow', why: 'expired', at: key.expires };
  }
  return undefined;
}
