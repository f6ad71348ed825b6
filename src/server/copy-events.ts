import type { AuditLog } from '../audit/audit-log.ts';
import { AuditLog as Log } from '../audit/audit-log.ts';
import type { AuditEvent, InstanceCopyFacts } from '../audit/audit-event.ts';
import { newGuid } from '../base/new-guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import type { Instant } from '../clock/clock.ts';
import { toIso } from '../clock/clock.ts';
import type { SealedState } from '../state/sealed/sealed-state.ts';
import type { Instance } from './instance.ts';

/** That a copy of the instance is somewhere, or that it came from one. */
export interface Copied extends Pick<InstanceCopyFacts, 'operation' | 'place' | 'status'> {
  readonly now: Instant;
}

/** In the name of the instance's own application, as whoever has the control token or the directory acts. */
export function copyEvent({ application, tenantId }: Instance, { operation, place, status, now }: Copied): AuditEvent {
  const id = newGuid(systemRandomBytes);
  const caller = { objectId: application.objectId, appId: application.appId, tenantId, displayName: 'kustody' };
  const facts: InstanceCopyFacts = { kind: 'instanceCopy', operation, place, status, caller };
  return { time: toIso(now), requestId: id, correlationId: id, durationMs: 0, facts };
}

/** For a state that nobody serves: durable when it resolves. */
export async function tellCopied(state: SealedState, instance: Instance, copied: Copied): Promise<void> {
  const audit: Pick<AuditLog, 'commit'> = new Log(state, { now: () => copied.now });
  await audit.commit({ events: [copyEvent(instance, copied)] });
}
