import type { AuditCaller, AuditEvent, AuditFacts } from '../audit/audit-event.ts';
import { newGuid } from '../base/new-guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import type { Instant } from '../clock/clock.ts';
import { toIso } from '../clock/clock.ts';
import type { Instance } from './instance.ts';

/** In the name of the instance's own application, as whoever has the control token or the directory acts. */
export function ownEvent(
  { application, tenantId }: Instance,
  now: Instant,
  factsOf: (caller: AuditCaller) => AuditFacts,
): AuditEvent {
  const id = newGuid(systemRandomBytes);
  const caller = { objectId: application.objectId, appId: application.appId, tenantId, displayName: 'kustody' };
  return { time: toIso(now), requestId: id, correlationId: id, durationMs: 0, facts: factsOf(caller) };
}
