import type { AuditEvent, VaultFacts } from '../../src/audit/audit-event.ts';
import { eventPages } from '../../src/audit/read-events.ts';
import type { State } from '../../src/state/state.ts';

/** Every event of the log, oldest first. */
export async function recordedEvents(state: State): Promise<readonly AuditEvent[]> {
  const events: AuditEvent[] = [];
  for await (const page of eventPages(state)) events.push(...page.map(({ event }) => event));
  return events;
}

/** What vaults were asked, oldest first; of one vault when it is named. */
export async function vaultEvents(state: State, vaultId?: string): Promise<readonly (AuditEvent & VaultFacts)[]> {
  const events = await recordedEvents(state);
  return events.flatMap((event) =>
    event.facts.kind === 'vault' && (vaultId === undefined || event.facts.vaultId === vaultId)
      ? [{ ...event, ...event.facts }]
      : [],
  );
}
