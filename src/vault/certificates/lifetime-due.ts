import type { Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import type { State } from '../../state/state.ts';
import { findVersion } from '../objects/object-store.ts';
import type { VaultServices } from '../objects/operation.ts';
import type { FoundCertificate } from './certificate-bundle.ts';
import type { LifetimeAction } from './certificate-policy.ts';
import { unknownIssuer } from './certificate-policy.ts';
import { certificateTables, vaultCertificates } from './certificate-records.ts';

export interface DueAction {
  readonly at: Instant;
  readonly action: LifetimeAction['action']['action_type'];
}

const dayMs = 86_400_000;

/** @returns when the policy's next action on the current version is due */
export function nextAction({ object, version }: FoundCertificate): DueAction | undefined {
  const { policy, noticed } = object.value;
  const { notBefore, expires, cer, enabled } = version.value;
  if (cer === undefined || notBefore === undefined || expires === undefined || !enabled || !policy.enabled)
    return undefined;
  const due = policy.lifetime_actions.flatMap(({ trigger, action }): DueAction[] => {
    // What nobody here can sign is announced instead.
    const isRenewal = action.action_type === 'AutoRenew' && policy.issuer.name !== unknownIssuer;
    if (!isRenewal && noticed === version.value.version) return [];
    const at =
      'days_before_expiry' in trigger
        ? expires * 1000 - trigger.days_before_expiry * dayMs
        : (notBefore + ((expires - notBefore) * trigger.lifetime_percentage) / 100) * 1000;
    return [{ at: instant(Math.max(0, Math.floor(at))), action: isRenewal ? 'AutoRenew' : 'EmailContacts' }];
  });
  return due.toSorted((left, right) => left.at - right.at)[0];
}

/** Of the certificate with that record id, if it is there. */
export async function actionDue(state: State, id: string): Promise<DueAction | undefined> {
  const object = await state.get(vaultCertificates, id);
  const found = object && (await findVersion(state, certificateTables, object));
  return found && nextAction(found);
}

/** For whoever changes what the next due time depends on. */
export function expectAction({ lifetimes }: VaultServices, found: FoundCertificate): void {
  const due = nextAction(found);
  if (due !== undefined) lifetimes.expectAt(due.at);
}
