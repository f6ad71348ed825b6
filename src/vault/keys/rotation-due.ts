import type { Instant } from '../../clock/clock.ts';
import type { Found } from '../objects/object-kind.ts';
import type { VaultServices } from '../objects/operation.ts';
import type { KeyRecord, KeyVersionRecord } from './key-records.ts';
import { noticeDue, rotationDue } from './rotation-policy.ts';

type FoundKey = Found<KeyVersionRecord, KeyRecord>;
export type LifetimeAction = 'rotate' | 'notify';

/** For whoever changes what the next due time depends on. */
export function expectDue({ rotation }: VaultServices, found: FoundKey): void {
  const due = nextDue(found);
  if (due !== undefined) rotation.expectAt(due.at);
}

/** @returns when the next thing of a key is due */
export function nextDue({
  object,
  version,
}: FoundKey): { readonly at: Instant; readonly action: LifetimeAction } | undefined {
  const policy = object.value.rotationPolicy;
  if (policy === undefined) return undefined;
  const rotation = rotationDue(policy, version.value);
  const notice = isNoticed({ object, version }) ? undefined : noticeDue(policy, version.value);
  if (rotation !== undefined && (notice === undefined || rotation <= notice)) return { at: rotation, action: 'rotate' };
  return notice === undefined ? undefined : { at: notice, action: 'notify' };
}

function isNoticed({ object, version }: FoundKey): boolean {
  const noticed = object.value.rotationPolicy?.noticed;
  return noticed?.version === version.value.version && noticed.expires === version.value.expires;
}
