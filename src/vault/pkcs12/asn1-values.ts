import * as asn1 from 'asn1js';

/** @returns undefined for anything but one value in BER or DER */
export function readAsn1(bytes: Uint8Array): asn1.BaseBlock | undefined {
  try {
    const { result, offset } = asn1.fromBER(bytes);
    return offset === -1 || result.error !== '' ? undefined : result;
  } catch {
    return undefined; // of some bytes the library does not say so, but throws: a text that ends within a character
  }
}

/** Of a SEQUENCE, a SET or anything tagged; none of anything else. */
export const childrenOf = (block: asn1.BaseBlock | undefined): readonly asn1.BaseBlock[] =>
  block instanceof asn1.Constructed ? block.valueBlock.value : [];

export const oidOf = (block: asn1.BaseBlock | undefined): string | undefined =>
  block instanceof asn1.ObjectIdentifier ? block.valueBlock.toString() : undefined;

export const numberOf = (block: asn1.BaseBlock | undefined): number | undefined =>
  block instanceof asn1.Integer && block.valueBlock.valueHexView.length <= 4 ? block.valueBlock.valueDec : undefined;

/** Of an OCTET STRING, in one piece or in many. */
export const octetsOf = (block: asn1.BaseBlock | undefined): Buffer | undefined =>
  block instanceof asn1.OctetString ? Buffer.from(block.getValue()) : undefined;

/** Of a value whose own tag was replaced, `[0] IMPLICIT OCTET STRING`. */
export function implicitOctetsOf(block: asn1.BaseBlock | undefined): Buffer | undefined {
  if (block instanceof asn1.Primitive) return Buffer.from(block.valueBlock.valueHexView);
  const parts = childrenOf(block).map(octetsOf);
  return parts.length === 0 || parts.includes(undefined)
    ? undefined
    : Buffer.concat(parts.filter((part) => part !== undefined));
}

export const toDer = (block: asn1.BaseBlock): Buffer => Buffer.from(block.toBER());
