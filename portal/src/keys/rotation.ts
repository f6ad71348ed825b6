import { parseCalendarDuration, shifted } from '../../../src/vault/objects/calendar-duration.ts';
import type { Instant } from '../../../src/clock/clock.ts';
import { advanceClock, checkKeys } from '../api/control.ts';
import type { Clock } from '../api/control.ts';
import { callPlaneJson } from '../api/planes.ts';
import type { KeyInUse } from '../custody/chain.ts';
import type { KeyAction } from './actions.ts';

/** `GET /keys/{name}/rotationpolicy` of a vault. */
export interface RotationPolicy {
  readonly lifetimeActions?: readonly {
    readonly trigger?: { readonly timeAfterCreate?: string; readonly timeBeforeExpiry?: string };
    readonly action?: { readonly type?: string };
  }[];
  readonly attributes?: { readonly expiryTime?: string };
}

const version = 'api-version=7.4';

export const readPolicy = (vaultHost: string, key: string): Promise<RotationPolicy> =>
  callPlaneJson(vaultHost, `/keys/${key}/rotationpolicy?${version}`);

const rotationIn = ({ lifetimeActions = [] }: RotationPolicy) =>
  lifetimeActions.find(({ action }) => action?.type?.toLowerCase() === 'rotate')?.trigger;

/** In words. */
export function policyText(policy: RotationPolicy): string {
  const { timeAfterCreate, timeBeforeExpiry } = rotationIn(policy) ?? {};
  const { expiryTime } = policy.attributes ?? {};
  const ends = expiryTime === undefined ? '' : ` A version is valid for ${expiryTime}.`;
  if (timeAfterCreate !== undefined)
    return `The vault makes a new version ${timeAfterCreate} after the last one.${ends}`;
  if (timeBeforeExpiry !== undefined)
    return `The vault makes a new version ${timeBeforeExpiry} before the last one ends.${ends}`;
  return `The vault makes no new version by itself.${ends}`;
}

/** @returns milliseconds since 1970, of the newest version; undefined: never by itself */
export function nextRotation(policy: RotationPolicy, { key }: KeyInUse): number | undefined {
  const newest = key?.versions.find(({ current }) => current);
  const { timeAfterCreate, timeBeforeExpiry } = rotationIn(policy) ?? {};
  const [from, by, sign] =
    timeAfterCreate === undefined
      ? ([newest?.expiresOn, timeBeforeExpiry, -1] as const)
      : ([newest?.createdOn, timeAfterCreate, 1] as const);
  const duration = parseCalendarDuration(by ?? '');
  if (from === undefined || duration === undefined) return undefined;
  return shifted(Date.parse(from) as Instant, duration, sign);
}

/** The fewest that a vault takes. */
export const daysMin = 7;

/** Sets a policy that rotates, and keeps the rest of the one there is. */
export function setPolicy(
  { parts: { vaultHost, vault, key } }: KeyInUse,
  days: number,
  policy: RotationPolicy,
): KeyAction {
  const after = `P${String(days)}D`;
  const json = {
    lifetimeActions: [
      { trigger: { timeAfterCreate: after }, action: { type: 'Rotate' } },
      ...(policy.lifetimeActions ?? []).filter(({ action }) => action?.type?.toLowerCase() !== 'rotate'),
    ],
    attributes: policy.attributes?.expiryTime === undefined ? {} : { expiryTime: policy.attributes.expiryTime },
  };
  return {
    name: 'Set policy',
    explains: `Lets the vault make a new version ${String(days)} days after the last one.`,
    az: [
      `az keyvault key rotation-policy update --vault-name ${vault} --name ${key} --value '${JSON.stringify({ lifetimeActions: json.lifetimeActions, attributes: json.attributes })}'`,
    ],
    typescript: [
      `await keys.updateKeyRotationPolicy('${key}', { lifetimeActions: [{ action: 'Rotate', timeAfterCreate: '${after}' }] });`,
    ],
    run: () => callPlaneJson(vaultHost, `/keys/${key}/rotationpolicy?${version}`, { method: 'PUT', json }),
  };
}

/** Moves the clock to just after the next rotation, and has the clusters look at their keys.
 * @param due milliseconds since 1970, on the Kustody clock */
export function forward(due: number, { now }: Clock): KeyAction {
  const seconds = Math.max(1, Math.ceil((due - Date.parse(now)) / 1000) + 1);
  return {
    name: 'Rehearse',
    explains: `Moves the clock forward by ${(seconds / 86_400).toFixed(1)} days, to just after that. See which version is there then, and which one the cluster uses.`,
    az: ['Azure has no such thing: there it takes that long.', `kustody clock advance ${String(seconds)}s`],
    typescript: [],
    run: async () => {
      await advanceClock(seconds);
      await checkKeys();
    },
  };
}
