import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { ObjectName } from '../../base/names.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant, toUnixSeconds } from '../../clock/clock.ts';
import { member, objectMember } from '../objects/attributes.ts';
import type { CalendarDuration } from '../objects/calendar-duration.ts';
import { approximateDays, parseCalendarDuration, shifted } from '../objects/calendar-duration.ts';
import { formatObjectId } from '../objects/object-answers.ts';
import type { VaultSettings } from '../vault-directory.ts';
import { vaultError } from '../vault-error.ts';
import type { KeyVersionRecord, RotationPolicy } from './key-records.ts';

/** A key that was given none. */
const defaultNotice = 'P30D';

/** @see the documentation of key rotation */
const daysMin = { expiry: 28, afterCreate: 7, beforeExpiry: 7 } as const;

/** A century: dates of keys end before the year 10,000. */
const daysMax = 36_500;

type Trigger = 'timeAfterCreate' | 'timeBeforeExpiry';

interface LifetimeAction {
  readonly type: 'rotate' | 'notify';
  readonly trigger: Trigger;
  readonly time: string;
}

/** Reads what a PUT sends. A notice ahead of the expiry is always given, as in the service.
 * @throws VaultError 400 */
export function readRotationPolicy(
  body: JsonObject,
): Omit<RotationPolicy, 'vaultName' | 'createdAt' | 'updatedAt' | 'noticed'> {
  const attributes = objectMember(body, 'attributes') ?? {};
  const expiryTime = readDuration(attributes, 'expiryTime', 'attributes.expiryTime', daysMin.expiry);
  const actions = readActions(body);
  const [rotate, ...moreRotate] = actions.filter(({ type }) => type === 'rotate');
  const [notify, ...moreNotify] = actions.filter(({ type }) => type === 'notify');
  if (moreRotate.length > 0 || moreNotify.length > 0) throw vaultError('invalidRotationPolicy', 'one action of a type');
  if (notify?.trigger === 'timeAfterCreate') throw vaultError('invalidRotationPolicy', 'notify by timeBeforeExpiry');
  if (rotate?.trigger === 'timeBeforeExpiry' && expiryTime === undefined)
    throw vaultError('invalidRotationPolicy', 'an expiryTime for timeBeforeExpiry');
  if (rotate !== undefined && expiryTime !== undefined && daysOf(expiryTime) - daysOf(rotate.time) < 7)
    throw vaultError('invalidRotationPolicy', 'seven days between rotation and expiry or creation');
  return {
    ...(rotate === undefined ? {} : { rotate: { trigger: rotate.trigger, time: rotate.time } }),
    notifyBeforeExpiry: notify?.time ?? defaultNotice,
    ...(expiryTime === undefined ? {} : { expiryTime }),
  };
}

function readActions(body: JsonObject): readonly LifetimeAction[] {
  const sent = member(body, 'lifetimeActions') ?? [];
  if (!Array.isArray(sent) || sent.length > 2) throw vaultError('invalidProperty', 'lifetimeActions');
  return (sent as readonly Json[]).map((action) => {
    if (!isJsonObject(action)) throw vaultError('invalidProperty', 'lifetimeActions');
    const type = member(objectMember(action, 'action') ?? {}, 'type');
    const known = typeof type === 'string' ? type.toLowerCase() : undefined;
    if (known !== 'rotate' && known !== 'notify') throw vaultError('invalidProperty', 'lifetimeActions.action.type');
    const trigger = objectMember(action, 'trigger') ?? {};
    const after = readDuration(trigger, 'timeAfterCreate', 'lifetimeActions.trigger', daysMin.afterCreate);
    const before = readDuration(trigger, 'timeBeforeExpiry', 'lifetimeActions.trigger', daysMin.beforeExpiry);
    if (after !== undefined && before === undefined) return { type: known, trigger: 'timeAfterCreate', time: after };
    if (before !== undefined && after === undefined) return { type: known, trigger: 'timeBeforeExpiry', time: before };
    throw vaultError('invalidRotationPolicy', 'one trigger for each action');
  });
}

function readDuration(object: JsonObject, name: string, property: string, daysAtLeast: number): string | undefined {
  const text = member(object, name);
  if (text === undefined) return undefined;
  const duration = typeof text === 'string' ? parseCalendarDuration(text) : undefined;
  if (typeof text !== 'string' || duration === undefined || approximateDays(duration) > daysMax)
    throw vaultError('invalidProperty', property);
  if (approximateDays(duration) < daysAtLeast)
    throw vaultError('invalidRotationPolicy', `${name} of at least ${daysAtLeast} days`);
  return text;
}

const daysOf = (text: string): number => approximateDays(duration(text));

/** Of texts that have been read before. */
function duration(text: string): CalendarDuration {
  return parseCalendarDuration(text) ?? { months: 0, days: 0 };
}

const seconds = (milliseconds: number): number => toUnixSeconds(instant(milliseconds));

/** KeyRotationPolicy. @param policy undefined: the one that keys have without it */
export function rotationPolicyAnswer(
  vault: VaultSettings,
  name: ObjectName,
  policy: RotationPolicy | undefined,
): JsonObject {
  const notice = {
    trigger: { timeBeforeExpiry: policy?.notifyBeforeExpiry ?? defaultNotice },
    action: { type: 'Notify' },
  };
  const rotate = policy?.rotate;
  return {
    id: `${formatObjectId(vault, 'keys', name)}/rotationpolicy`,
    lifetimeActions: [
      ...(rotate === undefined ? [] : [{ trigger: { [rotate.trigger]: rotate.time }, action: { type: 'Rotate' } }]),
      notice,
    ],
    attributes:
      policy === undefined
        ? {}
        : {
            ...(policy.expiryTime === undefined ? {} : { expiryTime: policy.expiryTime }),
            created: seconds(policy.createdAt),
            updated: seconds(policy.updatedAt),
          },
  };
}

/** When a version made now expires, in Unix seconds. */
export const expiryUnder = (policy: RotationPolicy | undefined, now: Instant): number | undefined =>
  policy?.expiryTime === undefined ? undefined : toUnixSeconds(shifted(now, duration(policy.expiryTime)));

/** @returns when the current version is to be followed by another; undefined: never by itself */
export function rotationDue({ rotate }: RotationPolicy, current: KeyVersionRecord): Instant | undefined {
  if (rotate === undefined) return undefined;
  if (rotate.trigger === 'timeAfterCreate') return shifted(instant(current.createdAt), duration(rotate.time));
  return current.expires === undefined
    ? undefined
    : shifted(instant(current.expires * 1000), duration(rotate.time), -1);
}

/** @returns when it is to be said that the current version expires soon */
export const noticeDue = ({ notifyBeforeExpiry }: RotationPolicy, current: KeyVersionRecord): Instant | undefined =>
  current.expires === undefined
    ? undefined
    : shifted(instant(current.expires * 1000), duration(notifyBeforeExpiry), -1);
