import type { Caller } from '../authz/caller.ts';
import type { Authorizer } from '../authz/role-assignments.ts';
import { subscriptions } from '../authz/subscription-record.ts';
import { parseGuid } from '../base/guid.ts';
import type { Json } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import type { State } from '../state/state.ts';
import type { ArmOperation, LinkedProperty } from './arm-operation.ts';
import { armErrors } from './arm-errors.ts';
import { containersOfPath } from './resource-path.ts';

/** More than any resource here may name. */
const linkedMax = 1000;
/** So many of those that are refused are named. */
const namedMax = 20;

interface Linked {
  readonly id: string;
  readonly action: string;
}

export interface LinkedAccessRequest {
  readonly caller: Caller;
  readonly operation: Pick<ArmOperation, 'action' | 'links'>;
  /** Of the resource that is written. */
  readonly scope: string;
  readonly body: Json | undefined;
}

/** Whoever gives a resource another one to use (an identity, a subnet) must be allowed to on that one, too. What counts is what the body
 * names, whether or not the resource has it already: a PUT of a whole resource is checked for all of it, a PATCH only for what it sends.
 * @throws ArmError 403 `LinkedAuthorizationFailed`, 400 `LinkedInvalidPropertyId` */
export async function requireLinkedAccess(
  parts: { readonly authorizer: Authorizer; readonly state: State },
  request: LinkedAccessRequest,
): Promise<void> {
  const { caller, operation, scope, body } = request;
  const linked = linkedIn(operation.links ?? [], body);
  if (linked.length === 0) return;
  for (const { id, action } of linked) {
    const { subscriptionId } = containersOfPath(id.split('/').slice(1));
    const isKnown = subscriptionId === undefined || (await isOfTenant(parts.state, subscriptionId, caller));
    if (!isKnown)
      throw armErrors.LinkedSubscriptionNotAuthorized(action, scope, caller.tenantId, subscriptionId.slice(0, 100));
  }
  const decide = await parts.authorizer.decider(caller);
  const refused = linked.filter(({ id, action }) => !decide('action', action, id).allowed).slice(0, namedMax);
  if (refused.length === 0) return;
  const client = caller.user?.principalName ?? caller.appId ?? caller.objectId;
  const actions = refused.map(({ action }) => action);
  throw armErrors.LinkedAuthorizationFailed(
    ...([client, caller.objectId, operation.action ?? '', scope] as const),
    ...([new Set(actions).size === 1 ? actions.slice(0, 1) : actions, refused.map(({ id }) => id)] as const),
  );
}

/** Subscriptions of other tenants, and those that nobody has, look the same. */
async function isOfTenant(state: State, subscriptionId: string, caller: Caller): Promise<boolean> {
  const guid = parseGuid(subscriptionId);
  const found = guid === undefined ? undefined : await state.get(subscriptions, guid);
  return found?.value.tenantId === caller.tenantId;
}

/** Each pair of resource and action once. */
function linkedIn(links: readonly LinkedProperty[], body: Json | undefined): readonly Linked[] {
  const found = new Map<string, Linked>();
  for (const { property, action, invalidPath } of links) {
    for (const text of valuesAt(body, property.split('.'))) {
      // A text that is no path is nobody's id: where the resource manager does not refuse it itself, the provider does.
      if (/^\/(subscriptions|providers)\//i.test(text))
        found.set(`${action} ${comparable(text)}`, { id: text, action });
      else if (invalidPath !== undefined) throw armErrors.LinkedInvalidPropertyId(text.slice(0, 300), invalidPath);
    }
  }
  if (found.size > linkedMax) throw armErrors.InvalidRequestContent(`It names more than ${linkedMax} other resources.`);
  return [...found.values()];
}

const comparable = (id: string): string => id.toLowerCase().replace(/\/+$/, '');

/** `name[]`: every element of the list; `name{}`: the names of the object's members whose value is not null (null takes away). */
function valuesAt(value: Json | undefined, path: readonly string[]): readonly string[] {
  const [step, ...rest] = path;
  if (step === undefined) return typeof value === 'string' && value !== '' ? [value] : [];
  if (!isJsonObject(value)) return [];
  const inner = value[step.replace(/(\[\]|\{\})$/, '')];
  if (step.endsWith('{}')) return isJsonObject(inner) ? Object.keys(inner).filter((name) => inner[name] !== null) : [];
  if (step.endsWith('[]')) return Array.isArray(inner) ? inner.flatMap((item: Json) => valuesAt(item, rest)) : [];
  return valuesAt(inner, rest);
}
