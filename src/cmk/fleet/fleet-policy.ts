import { nearest } from '../../base/edit-distance.ts';
import { isJsonObject } from '../../base/json.ts';

interface Member<T> {
  /** What counts when the file does not have it. */
  readonly preset: T;
  readonly holds: (value: unknown) => value is T;
  readonly expected: string;
  readonly means: string;
}

const flag = (preset: boolean, means: string): Member<boolean> => ({
  ...{ preset, means, expected: 'true or false' },
  holds: (value) => typeof value === 'boolean',
});

const count = (preset: number, least: number, most: number, means: string): Member<number> => ({
  ...{ preset, means, expected: `a whole number, ${least} to ${most}` },
  holds: (value): value is number => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
});

/** What an organisation asks of its clusters: one row a member of the policy file. */
export const policyMembers = {
  customerManagedKeyRequired: flag(true, 'a cluster under a Microsoft-managed key is a finding'),
  minimumKeySizeBits: count(2048, 2048, 4096, 'a shorter RSA key is a finding'),
  daysBeforeExpiry: count(30, 0, 36_500, 'a key version that expires sooner is a finding'),
  expiryRequired: flag(false, 'a key version that never expires is a finding'),
  allowedVaults: {
    preset: [],
    expected: 'a list of at most 1000 names, addresses or resource ids of vaults',
    means: 'the only vaults that keys may lie in; an empty list allows all',
    holds: (value): value is readonly string[] =>
      Array.isArray(value) && value.length <= 1000 && value.every((one) => typeof one === 'string' && one !== ''),
  } satisfies Member<readonly string[]>,
  minimumRetentionDays: count(7, 7, 90, 'a vault that keeps what is deleted for less is a finding'),
  rotationRequired: flag(false, 'a key that nobody rotates is of medium, not of low severity'),
  diskEncryptionRequired: flag(true, 'a cluster without disk encryption is a finding'),
  doubleEncryptionRequired: flag(false, 'a cluster without double encryption is a finding'),
  diagnosticSettingsRequired: flag(true, 'a cluster or a vault that sends its events nowhere is a finding'),
} as const;

type PolicyName = keyof typeof policyMembers;
export type FleetPolicy = {
  readonly [Name in PolicyName]: (typeof policyMembers)[Name] extends Member<infer T> ? T : never;
};

const names = Object.keys(policyMembers);
const isPolicyName = (name: string): name is PolicyName => Object.hasOwn(policyMembers, name);

/** What counts without a file. */
export const presetPolicy = withPresets({});

/** @returns the policy, or a sentence that says what is wrong with the text */
export function parseFleetPolicy(text: string): { readonly value: FleetPolicy } | { readonly problem: string } {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    return { problem: `it is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (!isJsonObject(given)) return { problem: `it must be one object, of ${names.join(', ')}.` };
  for (const [name, value] of Object.entries(given)) {
    if (!isPolicyName(name))
      return { problem: `there is no member '${name}'. Near it: ${nearest(name, names, 3).join(', ')}.` };
    if (!policyMembers[name].holds(value)) return { problem: `${name} must be ${policyMembers[name].expected}.` };
  }
  return { value: withPresets(given) };
}

/** @param given checked members */
function withPresets(given: Readonly<Record<string, unknown>>): FleetPolicy {
  const presets = Object.fromEntries(Object.entries(policyMembers).map(([name, { preset }]) => [name, preset]));
  return { ...presets, ...given } as FleetPolicy;
}
