/** `/subscriptions/{subscriptionId}/resourceGroups/{resourceGroup}/providers/{namespace}/{type}/{name}`, as it was written. */
export interface ResourceId {
  readonly id: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  /** `Microsoft.Kusto/clusters`, as it was written: compare without case. */
  readonly type: string;
  readonly name: string;
}

/** @param type what it must be an id of, compared without case, as Azure does
 * @returns undefined when the text is no id of such a resource */
export function parseResourceId(text: string, type: string): ResourceId | undefined {
  const match = /^\/subscriptions\/([^/]+)\/resourcegroups\/([^/]+)\/providers\/([^/]+\/[^/]+)\/([^/]+)\/?$/i.exec(
    text,
  );
  if (match === null) return undefined;
  const [, subscriptionId = '', resourceGroup = '', found = '', name = ''] = match;
  if (found.toLowerCase() !== type.toLowerCase()) return undefined;
  return { id: text.replace(/\/$/, ''), subscriptionId, resourceGroup, type: found, name };
}

export const sameText = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();

/** At the scope, or above it by whole segments: `…/resourceGroups/a` is not above `…/resourceGroups/ab`. */
export function isAtOrAbove(ancestor: string, scope: string): boolean {
  const outer = ancestor.toLowerCase().replace(/\/+$/, '');
  const inner = scope.toLowerCase().replace(/\/+$/, '');
  return inner === outer || inner.startsWith(`${outer}/`);
}

/** `East US` and `eastus` are one region. */
export const sameRegion = (left: string, right: string): boolean =>
  sameText(left.replaceAll(' ', ''), right.replaceAll(' ', ''));

/** Vault addresses are compared without case and without the slash at their end. */
export const sameVaultUri = (left: string, right: string): boolean =>
  sameText(left.replace(/\/+$/, ''), right.replace(/\/+$/, ''));
