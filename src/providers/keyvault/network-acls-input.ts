import { isIPv4 } from 'node:net';
import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { keyVaultErrors } from './keyvault-errors.ts';
import type { NetworkAcls } from './vault-record.ts';

const ipRulesMax = 1000;
const networkRulesMax = 200;

/** @returns undefined for an absent value
 * @throws ArmError 400 naming the property */
export function readNetworkAcls(value: Json | undefined): NetworkAcls | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw keyVaultErrors.InvalidValue('networkAcls');
  return {
    bypass: oneOf(value['bypass'], ['AzureServices', 'None'], 'AzureServices', 'networkAcls.bypass'),
    defaultAction: oneOf(value['defaultAction'], ['Allow', 'Deny'], 'Allow', 'networkAcls.defaultAction'),
    ipRules: listOf(value['ipRules'], ipRulesMax, 'networkAcls.ipRules').map(readIpRule),
    virtualNetworkRules: listOf(value['virtualNetworkRules'], networkRulesMax, 'networkAcls.virtualNetworkRules').map(
      readVirtualNetworkRule,
    ),
  };
}

/** Compares without case. @param otherwise for an absent value */
export function oneOf<Choice extends string>(
  value: Json | undefined,
  choices: readonly Choice[],
  otherwise: Choice,
  property: string,
): Choice {
  if (value === undefined || value === null) return otherwise;
  const found = choices.find((choice) => typeof value === 'string' && choice.toLowerCase() === value.toLowerCase());
  if (found === undefined) throw keyVaultErrors.InvalidValue(property);
  return found;
}

function listOf(value: Json | undefined, most: number, property: string): readonly Json[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > most) throw keyVaultErrors.InvalidValue(property);
  return value.map((item: Json) => item);
}

/** A single address is kept as a range of one, as the service shows it. */
function readIpRule(rule: Json): { readonly value: string } {
  const text = isJsonObject(rule) && typeof rule['value'] === 'string' ? rule['value'].trim() : '';
  const [address = '', bits = '32', ...more] = text.split('/');
  const isRange = isIPv4(address) && /^\d{1,2}$/.test(bits) && Number(bits) <= 32 && more.length === 0;
  if (!isRange) throw keyVaultErrors.InvalidValue('networkAcls.ipRules');
  return { value: `${address}/${Number(bits)}` };
}

function readVirtualNetworkRule(rule: Json): NetworkAcls['virtualNetworkRules'][number] {
  const id = isJsonObject(rule) ? rule['id'] : undefined;
  if (!isJsonObject(rule) || typeof id !== 'string' || !/^\/subscriptions\/[^/]+\/.+\/subnets\/[^/]+$/i.test(id)) {
    throw keyVaultErrors.InvalidValue('networkAcls.virtualNetworkRules');
  }
  return { id: id.toLowerCase(), ignoreMissingVnetServiceEndpoint: rule['ignoreMissingVnetServiceEndpoint'] === true };
}
