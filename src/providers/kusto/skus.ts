import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { isApiVersionBefore } from '../../arm/api-version.ts';
import { invariant } from '../../base/invariant.ts';
import type { Json } from '../../base/json.ts';
import { kustoError } from './kusto-errors.ts';

export type ClusterSku = {
  readonly name: string;
  readonly tier: 'Basic' | 'Standard';
  readonly capacity: number;
};

/** `AzureSkuName` of the 2024-04-13 API: the clusters without an SLA have one machine and tier Basic, all others two or more. */
const skuNames = [
  'Dev(No SLA)_Standard_D11_v2',
  'Dev(No SLA)_Standard_E2a_v4',
  'Standard_D11_v2',
  'Standard_D12_v2',
  'Standard_D13_v2',
  'Standard_D14_v2',
  'Standard_D32d_v4',
  'Standard_D16d_v5',
  'Standard_D32d_v5',
  'Standard_DS13_v2+1TB_PS',
  'Standard_DS13_v2+2TB_PS',
  'Standard_DS14_v2+3TB_PS',
  'Standard_DS14_v2+4TB_PS',
  'Standard_L4s',
  'Standard_L8s',
  'Standard_L16s',
  'Standard_L8s_v2',
  'Standard_L16s_v2',
  'Standard_L8s_v3',
  'Standard_L16s_v3',
  'Standard_L32s_v3',
  'Standard_L8as_v3',
  'Standard_L16as_v3',
  'Standard_L32as_v3',
  'Standard_E64i_v3',
  'Standard_E80ids_v4',
  'Standard_E2a_v4',
  'Standard_E4a_v4',
  'Standard_E8a_v4',
  'Standard_E16a_v4',
  'Standard_E8as_v4+1TB_PS',
  'Standard_E8as_v4+2TB_PS',
  'Standard_E16as_v4+3TB_PS',
  'Standard_E16as_v4+4TB_PS',
  'Standard_E8as_v5+1TB_PS',
  'Standard_E8as_v5+2TB_PS',
  'Standard_E16as_v5+3TB_PS',
  'Standard_E16as_v5+4TB_PS',
  'Standard_E2ads_v5',
  'Standard_E4ads_v5',
  'Standard_E8ads_v5',
  'Standard_E16ads_v5',
  'Standard_EC8as_v5+1TB_PS',
  'Standard_EC8as_v5+2TB_PS',
  'Standard_EC16as_v5+3TB_PS',
  'Standard_EC16as_v5+4TB_PS',
  'Standard_EC8ads_v5',
  'Standard_EC16ads_v5',
  'Standard_E8s_v4+1TB_PS',
  'Standard_E8s_v4+2TB_PS',
  'Standard_E16s_v4+3TB_PS',
  'Standard_E16s_v4+4TB_PS',
  'Standard_E8s_v5+1TB_PS',
  'Standard_E8s_v5+2TB_PS',
  'Standard_E16s_v5+3TB_PS',
  'Standard_E16s_v5+4TB_PS',
  'Standard_E2d_v4',
  'Standard_E4d_v4',
  'Standard_E8d_v4',
  'Standard_E16d_v4',
  'Standard_E2d_v5',
  'Standard_E4d_v5',
  'Standard_E8d_v5',
  'Standard_E16d_v5',
] as const;

export const isDeveloperSku = (name: string): boolean => name.startsWith('Dev(No SLA)_');

export interface SkuRow {
  readonly name: string;
  readonly tier: ClusterSku['tier'];
  readonly minimum: number;
  readonly maximum: number;
  readonly scaleType: 'automatic' | 'none';
}

export const skuRows: readonly SkuRow[] = skuNames.map((name) =>
  isDeveloperSku(name)
    ? { name, tier: 'Basic', minimum: 1, maximum: 1, scaleType: 'none' }
    : { name, tier: 'Standard', minimum: 2, maximum: 1000, scaleType: 'automatic' },
);

/** Of the series D v2, whose numbers are no counts. */
const coresOfSeriesD: Readonly<Record<string, number>> = { '11': 2, '12': 4, '13': 8, '14': 16 };

/** Virtual processors of one machine of this size: 8 of `Standard_E8ads_v5`. */
export function coresPerNode(name: string): number {
  const found = /Standard_(DS?1[1-4](?=_v2)|[A-Z]+\d+)/.exec(name)?.[1];
  invariant(found !== undefined, 'sizes tell their processors');
  const digits = found.replace(/^\D+/, '');
  return /^DS?1[1-4]$/.test(found) ? (coresOfSeriesD[digits] ?? 0) : Number(digits);
}

const skuByLowerName = new Map(skuRows.map((row) => [row.name.toLowerCase(), row]));

/** The series D v2 under the names of the first api-version, which those of 2019 still took. */
const firstName = /^D1[1-4]_v2$/i;

function findSku(name: string, apiVersion: string): SkuRow | undefined {
  const full = firstName.test(name) && isApiVersionBefore(apiVersion, '2020-01-01') ? `Standard_${name}` : name;
  return skuByLowerName.get(full.toLowerCase());
}

/** Machines that a cluster of this size has at least. */
export const leastCapacity = ({ name }: ClusterSku): number => skuByLowerName.get(name.toLowerCase())?.minimum ?? 1;

const skuBody = Type.Object({
  name: Type.String({ maxLength: 100 }),
  tier: Type.String({ maxLength: 100 }),
  capacity: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
});

/** @param kept the capacity an existing cluster has, when the caller names none and it still fits
 * @throws ArmError `InvalidRequestContent` for another shape, `BadRequest` for a size, tier or capacity that no cluster can have */
export function parseSku(body: Json | undefined, apiVersion: string, kept?: number): ClusterSku {
  if (!Value.Check(skuBody, body))
    throw kustoError('InvalidSku', "'name' and 'tier' are required, 'capacity' is a whole number");
  const row = findSku(body.name, apiVersion);
  if (row === undefined) throw kustoError('UnknownSku', body.name);
  if (body.tier.toLowerCase() !== row.tier.toLowerCase()) throw kustoError('WrongSkuTier', row.name, row.tier);
  const fits = (capacity: number): boolean => capacity >= row.minimum && capacity <= row.maximum;
  const capacity = body.capacity ?? (kept !== undefined && fits(kept) ? kept : row.minimum);
  if (!fits(capacity)) throw kustoError('InvalidSkuCapacity', row.name, row.minimum, row.maximum);
  return { name: row.name, tier: row.tier, capacity };
}
