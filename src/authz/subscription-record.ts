import type { Guid } from '../base/guid.ts';
import { invariant } from '../base/invariant.ts';
import { isJsonObject } from '../base/json.ts';
import type { Table } from '../state/state.ts';

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
