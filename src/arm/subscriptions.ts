import type { Guid } from '../base/guid.ts';
import { parseGuid } from '../base/guid.ts';
import { invariant } from '../base/invariant.ts';
import { isJsonObject } from '../base/json.ts';
import type { State, StateWrite, Table, Versioned } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';
import { armErrors } from './arm-errors.ts';

export interface Subscription {
  readonly subscriptionId: Guid;
  readonly displayName: string;
  readonly tenantId: Guid;
  readonly state: 'Enabled' | 'Disabled';
  /** Namespaces that were unregistered, in lower case. A subscription starts with every provider registered. */
  readonly unregistered: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
}

/** Record id: the subscription id. */
export const subscriptions: Table<Subscription> = {
  name: 'arm-subscriptions',
  parse: (value) => {
    invariant(
      isJsonObject(value) && Array.isArray(value['unregistered']),
      'a subscription lists its unregistered providers',
    );
    return value as unknown as Subscription;
  },
};

/** The write that makes a subscription: part of the first commit of a data directory, or one of its own for a further one. */
export function newSubscription(subscription: {
  readonly subscriptionId: Guid;
  readonly displayName: string;
  readonly tenantId: Guid;
}): StateWrite {
  const record: Subscription = { ...subscription, state: 'Enabled', unregistered: [] };
  return writeRecord(subscriptions, record.subscriptionId, null, record);
}

/** @throws ArmError 400 for what is no GUID, 404 for one that is no subscription of ours */
export async function requireSubscription(state: State, id: string): Promise<Versioned<Subscription>> {
  const subscriptionId = parseGuid(id);
  if (subscriptionId === undefined) throw armErrors.InvalidSubscriptionId(id);
  const found = await state.get(subscriptions, subscriptionId);
  if (found === undefined) throw armErrors.SubscriptionNotFound(id);
  return found;
}

export const isRegistered = (subscription: Subscription, namespace: string): boolean =>
  !subscription.unregistered.includes(namespace.toLowerCase());
