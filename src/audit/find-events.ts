import type { State } from '../state/state.ts';
import { auditHead, headRecordId } from './audit-chain.ts';
import type { AuditEvent, AuditFacts, NumberedEvent } from './audit-event.ts';
import { eventPages, recordedLateMs, sequenceBefore } from './read-events.ts';

/** What all events found have in common. */
export interface EventFilter {
  /** Name of a vault: what it was asked, and what the resource manager did with it. */
  readonly vault?: string;
  /** Id of a resource, group or subscription: it, and all below it. Compared without case. */
  readonly resource?: string;
  /** `KeyUnwrap`, or an action such as `Microsoft.KeyVault/vaults/write`; compared without case. */
  readonly operation?: string;
  /** ISO times: from the first, before the second. */
  readonly from?: string;
  readonly to?: string;
}

export function matches({ time, facts }: AuditEvent, { vault, resource, operation, from, to }: EventFilter): boolean {
  if ((from !== undefined && time < from) || (to !== undefined && time >= to)) return false;
  const name = facts.kind === 'administrative' ? facts.action : facts.operation;
  if (operation !== undefined && name.toLowerCase() !== operation.toLowerCase()) return false;
  if (resource !== undefined && !isWithin(resourceOf(facts), resource)) return false;
  if (vault === undefined) return true;
  const wanted = vault.toLowerCase();
  if (facts.kind === 'vault') return facts.vaultName.toLowerCase() === wanted;
  return `${resourceOf(facts).toLowerCase()}/`.includes(`/microsoft.keyvault/vaults/${wanted}/`);
}

/** What is of the whole instance is of no resource of it. */
const resourceOf = (facts: AuditFacts): string => ('resourceId' in facts ? facts.resourceId : '');

function isWithin(id: string, ancestor: string): boolean {
  const [inner, outer] = [`${id.toLowerCase()}/`, ancestor.toLowerCase().replace(/\/+$/, '')];
  return inner.startsWith(`${outer}/`);
}

/** Some pages of records, so that one answer does not read the whole log. */
const pagesMax = 20;

export interface FoundEvents {
  readonly events: readonly NumberedEvent[];
  /** Go on after it; missing at the end. */
  readonly next?: number;
}

/** The oldest first. @param after number of an event */
export async function findEvents(
  state: State,
  filter: EventFilter,
  options: { readonly after?: number; readonly limit: number },
): Promise<FoundEvents> {
  const start = filter.from === undefined ? 0 : await sequenceBefore(state, filter.from);
  const found: NumberedEvent[] = [];
  let pages = 0;
  let last = Math.max(start, options.after ?? 0);
  for await (const page of eventPages(state, { after: last })) {
    for (const one of page) {
      if (found.length === options.limit) return { events: found, next: last };
      last = one.sequence;
      if (matches(one.event, filter)) found.push(one);
    }
    if (isPast(page, filter)) break;
    pages += 1;
    if (pages === pagesMax && page.length > 0) return { events: found, next: last };
  }
  return { events: found };
}

/** What is recorded late may still come before the end of the time. */
function isPast(page: readonly NumberedEvent[], { to }: EventFilter): boolean {
  const time = page.at(-1)?.event.time;
  return to !== undefined && time !== undefined && Date.parse(time) > Date.parse(to) + recordedLateMs;
}

const windowEvents = 2_000;

/** The newest ones, the newest of them first: from the end backwards, until there are `count`, or so many were looked at.
 * @param options.before number of an event: only older ones
 * @param options.from ISO time
 * @returns `before`: go on there; missing when nothing older is wanted or kept */
export async function newestEvents(
  state: State,
  wanted: (event: AuditEvent) => boolean,
  options: {
    readonly count: number;
    readonly lookedAt?: number;
    readonly before?: number;
    readonly from?: string | undefined;
  },
): Promise<{ readonly events: readonly NumberedEvent[]; readonly before?: number }> {
  const head = await state.get(auditHead, headRecordId);
  if (head === undefined) return { events: [] };
  const oldest = Math.max(
    options.from === undefined ? 0 : await sequenceBefore(state, options.from),
    head.value.kept.next - 1,
  );
  const found: NumberedEvent[] = [];
  const newest = Math.min(head.value.next, options.before ?? Infinity) - 1;
  for (let end = newest; end > oldest; end -= windowEvents) {
    if (newest - end >= (options.lookedAt ?? Infinity)) return { events: found, before: end + 1 };
    const after = Math.max(oldest, end - windowEvents);
    const window: NumberedEvent[] = [];
    for await (const page of eventPages(state, { after })) {
      window.push(...page.filter(({ sequence, event }) => sequence <= end && wanted(event)));
      if ((page.at(-1)?.sequence ?? Infinity) >= end) break;
    }
    for (const one of window.toReversed()) {
      if (found.length === options.count) return { events: found, before: found.at(-1)?.sequence ?? 1 };
      found.push(one);
    }
  }
  return { events: found };
}
