import type { Hcl } from './hcl.ts';
import { objectOf } from './terraform-code.ts';
import type { Value } from './value.ts';
import { isValueList } from './value.ts';

/** The rotation policy of a key as azurerm has it. It takes an expiry only together with a notice some time before it.
 * @returns no argument for a policy that azurerm has no words for */
export function rotationBlock(policy: Value | undefined): { readonly rotation_policy?: Hcl } {
  const { attributes, lifetimeActions } = objectOf(policy);
  const expiry = textOf(objectOf(attributes)['expiryTime']);
  const actions = lifetimeActions !== undefined && isValueList(lifetimeActions) ? lifetimeActions : [];
  const triggerOf = (wanted: string) => {
    const found = actions.find(
      (action) => textOf(objectOf(objectOf(action)['action'])['type'])?.toLowerCase() === wanted,
    );
    const { timeAfterCreate, timeBeforeExpiry } = objectOf(objectOf(found)['trigger']);
    return { after: textOf(timeAfterCreate), before: textOf(timeBeforeExpiry) };
  };
  const [notify, rotate] = [triggerOf('notify'), triggerOf('rotate')];
  const rotates = rotate.after !== undefined || rotate.before !== undefined;
  const isSayable = notify.after === undefined && (expiry === undefined) === (notify.before === undefined);
  if (!isSayable || !(rotates || expiry !== undefined)) return {};
  const automatic: Hcl = { block: [{ time_after_creation: rotate.after, time_before_expiry: rotate.before }] };
  const said = { expire_after: expiry, notify_before_expiry: notify.before, ...(rotates ? { automatic } : {}) };
  return { rotation_policy: { block: [said] } };
}

const textOf = (value: Value | undefined): string | undefined => (typeof value === 'string' ? value : undefined);
