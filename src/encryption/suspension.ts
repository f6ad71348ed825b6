import { instant, toIso } from '../clock/clock.ts';
import type { ClusterKeyRecord } from './cluster-key-state.ts';
import { bareRecord, warningOf } from './cluster-key-state.ts';
import { lostKeyReason } from './failure-text.ts';
import type { KeyFailure } from './key-wrapper.ts';
import type { LeaseSettings, TwoClocks } from './lease.ts';
import { leaseHeld, leaseInOutage } from './lease.ts';

/** What a check found: the recorded wrap was unwrapped and is the right key, or why not. */
export type CheckOutcome = { readonly outcome: 'opened' } | KeyFailure;

/** What follows from a check. `record` is to be committed; then, if `running` is false, the cluster's process ends. */
export interface CheckDecision {
  readonly record: ClusterKeyRecord;
  readonly running: boolean;
  readonly change: 'none' | 'suspended' | 'resumed';
}

/** Decides, without asking anybody, what a check of the recorded key means for the cluster. */
export function afterCheck(
  record: ClusterKeyRecord,
  outcome: CheckOutcome,
  now: TwoClocks,
  settings: LeaseSettings,
): CheckDecision {
  if (outcome.outcome === 'opened') {
    return {
      record: { ...bareRecord(record), ...warningOf(record.warning), lease: { unwrapped: now } },
      running: true,
      change: record.suspension === undefined ? 'none' : 'resumed',
    };
  }
  const lease = leaseAfterFailure(record, outcome, now, settings);
  if (lease !== undefined && record.suspension === undefined) {
    return { record: { ...record, lease }, running: true, change: 'none' };
  }
  return {
    record: suspended(record, outcome, now),
    running: false,
    change: record.suspension === undefined ? 'suspended' : 'none',
  };
}

/** A refusal ends the lease at once; an outage lets it run into its grace; an integrity error is no revocation, but no
 * outage either: what is left of the unwrap's own lease is used up. */
function leaseAfterFailure(
  record: ClusterKeyRecord,
  failure: KeyFailure,
  now: TwoClocks,
  settings: LeaseSettings,
): ClusterKeyRecord['lease'] {
  if (record.lease === undefined) return undefined;
  switch (failure.kind) {
    case 'refusal':
      return undefined;
    case 'outage':
      return leaseInOutage(record.lease, failure, now, settings);
    case 'integrity': {
      const lease = { unwrapped: record.lease.unwrapped };
      return leaseHeld(lease, now, settings) ? lease : undefined;
    }
  }
}

/** While suspended, an outage does not hide the refusal that came before it: that one says what to repair. */
function suspended(record: ClusterKeyRecord, failure: KeyFailure, now: TwoClocks): ClusterKeyRecord {
  const earlier = record.suspension;
  const told = earlier !== undefined && failure.kind !== 'refusal' ? earlier.failure : failure;
  const vaultUri = record.custody.kind === 'customer' ? record.custody.key.vaultUri : undefined;
  return {
    ...bareRecord(record),
    ...warningOf(record.warning),
    suspension: {
      since: earlier?.since ?? toIso(instant(now.kustody)),
      failure: told,
      reason: lostKeyReason(record.kid, vaultUri, told),
    },
  };
}
