import type { AuditLog } from '../audit/audit-log.ts';
import { AuditLog as Log } from '../audit/audit-log.ts';
import type { AuditEvent, InstanceCopyFacts } from '../audit/audit-event.ts';
import type { Instant } from '../clock/clock.ts';
import type { SealedState } from '../state/sealed/sealed-state.ts';
import type { Instance } from './instance.ts';
import { ownEvent } from './own-event.ts';

/** That a copy of the instance is somewhere, or that it came from one. */
export interface Copied extends Pick<InstanceCopyFacts, 'operation' | 'place' | 'status'> {
  readonly now: Instant;
}

export const copyEvent = (instance: Instance, { operation, place, status, now }: Copied): AuditEvent =>
  ownEvent(instance, now, (caller) => ({ kind: 'instanceCopy', operation, place, status, caller }));

/** For a state that nobody serves: durable when it resolves. */
export async function tellCopied(state: SealedState, instance: Instance, copied: Copied): Promise<void> {
  const audit: Pick<AuditLog, 'commit'> = new Log(state, { now: () => copied.now });
  await audit.commit({ events: [copyEvent(instance, copied)] });
}
