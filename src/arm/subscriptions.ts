import type { Subscription } from '../authz/subscription-record.ts';
import { subscriptions } from '../authz/subscription-record.ts';
import type { Guid } from '../base/guid.ts';
import { parseGuid } from '../base/guid.ts';
import type { State, StateWrite, Versioned } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';
import { armErrors } from './arm-errors.ts';

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
