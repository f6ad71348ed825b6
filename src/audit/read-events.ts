import type { State, Versioned } from '../state/state.ts';
import type { AuditRecord } from './audit-chain.ts';
import { auditChain, auditHead, eventsOf, headRecordId, recordIdOf } from './audit-chain.ts';
import type { NumberedEvent } from './audit-event.ts';

const recordsPerPage = 200;
/** Records hold one event or hundreds, so the first page shows how many of them make so many events. */
const firstRecords = 8;
const eventsPerPage = 1_000;
/** What the server asks by itself may be recorded so much later than it happened. */
export const recordedLateMs = 15 * 60_000;

/** Events in the order in which they were recorded, page by page; a page may be empty. The integrity of the chain is not checked. */
export async function* eventPages(
  state: State,
  options: { readonly after?: number } = {},
): AsyncGenerator<readonly NumberedEvent[]> {
  const { after = 0 } = options;
  let at = await recordHolding(state, after + 1);
  for (let limit = firstRecords; ;) {
    const page: readonly Versioned<AuditRecord>[] = await state.list(auditChain, {
      limit,
      ...(at === undefined ? {} : { after: at }),
    });
    const events = page.flatMap(({ value }) => eventsOf(value));
    yield events.filter(({ sequence }) => sequence > after);
    at = page.at(-1)?.id;
    if (at === undefined || page.length < limit) return;
    const each = Math.max(1, events.length / page.length);
    limit = Math.max(1, Math.min(recordsPerPage, limit * 5, Math.floor(eventsPerPage / each)));
  }
}

/** A record may begin at most so many events before one that it holds. */
const eventsPerRecordMax = 4_000;

/** @returns an id before that of the record that has the event, near it; undefined: from the beginning */
async function recordHolding(state: State, sequence: number): Promise<string | undefined> {
  for (const back of [8, 64, 512, eventsPerRecordMax]) {
    const before = sequence - back;
    if (before <= 0) return undefined;
    const [near] = await state.list(auditChain, { after: recordIdOf(before), limit: 1 });
    if (near === undefined && back === eventsPerRecordMax) return undefined;
    if (near !== undefined && (near.value.first <= sequence || back === eventsPerRecordMax)) return recordIdOf(before);
  }
  return undefined;
}

/** The number of an event such that all events from `time` on have higher ones; by halving, since numbers follow time but for what is
 * recorded late. @param time ISO */
export async function sequenceBefore(state: State, time: string): Promise<number> {
  const head = await state.get(auditHead, headRecordId);
  if (head === undefined) return 0;
  let [low, high] = [head.value.kept.next - 1, head.value.next];
  while (low + 1 < high) {
    const middle = Math.floor((low + high) / 2);
    const [record] = await state.list(auditChain, { after: recordIdOf(middle), limit: 1 });
    const first = record?.value.events[0]?.[1];
    if (record !== undefined && first !== undefined && first < time) low = Math.max(middle, record.value.first);
    else high = middle;
  }
  return low;
}
