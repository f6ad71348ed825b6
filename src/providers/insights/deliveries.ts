import type { DeliveryCursor, DiagnosticSetting, DiagnosticTarget } from '../../arm/diagnostic-settings.ts';
import { cursorId, deliveryCursors, diagnosticSettingId, diagnosticSettings } from '../../arm/diagnostic-settings.ts';
import { auditHead, headRecordId } from '../../audit/audit-chain.ts';
import { azureEvent } from '../../audit/azure-event.ts';
import type { EventTable, TableEvent } from '../../audit/event-tables.ts';
import { csvLine, eventTables, isOf } from '../../audit/event-tables.ts';
import { findEvents } from '../../audit/find-events.ts';
import { listIntact } from '../../state/list-all.ts';
import { SealedRecordError } from '../../state/record-seal.ts';
import type { State, Versioned } from '../../state/state.ts';
import { versionAfter, writeRecord } from '../../state/state.ts';
import { StateConflictError } from '../../state/state-store.ts';
import { enabledTables } from './setting-tables.ts';

/** Rows for a table of a database, which is made or widened where it is not as they need it. */
export interface EventBatch {
  readonly table: EventTable;
  /** Of CSV. */
  readonly lines: readonly string[];
  /** Rows that come again under the same id are there already, and stay once. */
  readonly requestId: string;
}

/** `unavailable`: the cluster may not use its key, or is not there; nobody knows whether the rows arrived. `refused`: it has a table of that
 * name which cannot take them. */
export type BatchOutcome = 'added' | 'unavailable' | 'refused';

export interface DeliveryPorts {
  readonly state: State;
  readonly addRows: (target: DiagnosticTarget, batch: EventBatch) => Promise<BatchOutcome>;
  readonly failed: (name: string, error: unknown) => void;
  /** A target does not take what it is sent. */
  readonly refused: (target: DiagnosticTarget, table: string) => void;
}

export interface Deliveries {
  /** Sends what is recorded and not sent, as far as the targets take it. One call at a time does it. */
  deliver(): Promise<void>;
}

/** Some 500 KB of text. */
const eventsPerBatch = 500;

/** Copies events of the audit log to where settings say, in their order and each once. Order of one batch: what is on its way is recorded →
 * its rows are durable in the target, under an id made of their numbers → that they are there is recorded. After a crash in between the same
 * batch is sent under the same id, which the target knows if it took it. A target that is not to be had is asked again with the next call. */
export function createDeliveries(ports: DeliveryPorts): Deliveries {
  const { state } = ports;
  /** Up to where nothing is to be sent, by cursor: so that what is not a setting's is read once. */
  const lookedTo = new Map<string, number>();
  let underWay: Promise<void> | undefined;

  const deliverAll = async (): Promise<void> => {
    const settings = await listIntact(state, diagnosticSettings);
    if (settings.length === 0) lookedTo.clear();
    // What is recorded meanwhile is for the next call: where that never ends, each setting has its turn all the same.
    const newest = settings.length === 0 ? 0 : await newestOf(state);
    for (const { value } of settings)
      for (const table of enabledTables(value, eventTables))
        try {
          while ((await deliverBatch(value, table, newest)) === 'more');
        } catch (error) {
          // The setting was changed or removed meanwhile, or its place is damaged, which the state has logged.
          if (!(error instanceof StateConflictError) && !(error instanceof SealedRecordError))
            ports.failed('diagnostics-not-sent', error);
        }
  };

  async function deliverBatch(
    setting: DiagnosticSetting,
    table: EventTable,
    newest: number,
  ): Promise<'more' | 'enough'> {
    const cursor = await state.get(deliveryCursors, cursorId(setting, table.name));
    if (cursor?.value.settingId !== setting.settingId) return 'enough';
    const { after, until } = cursor.value;
    const key = `${setting.settingId} ${table.name}`;
    const end = until ?? newest;
    const from = until === undefined ? Math.max(after, lookedTo.get(key) ?? 0) : after;
    const found = await eventsOf(setting, table, { after: from, until: end });
    if (found.events.length === 0) {
      lookedTo.set(key, found.until);
      if (until === undefined) return found.until < end ? 'more' : 'enough';
    }
    const last = found.events.at(-1)?.sequence ?? end;
    const pending = until === undefined ? await moved(cursor, { ...cursor.value, until: last }) : cursor;
    const outcome = found.events.length === 0 ? 'added' : await send(setting, table, pending.value, found.events);
    if (outcome !== 'added') return 'enough';
    await moved(pending, { settingId: setting.settingId, after: pending.value.until ?? last });
    return 'more';
  }

  async function moved(cursor: Versioned<DeliveryCursor>, value: DeliveryCursor): Promise<Versioned<DeliveryCursor>> {
    await state.commit({ write: [writeRecord(deliveryCursors, cursor.id, cursor.version, value)] });
    return { id: cursor.id, version: versionAfter(cursor.version), value };
  }

  async function send(
    setting: DiagnosticSetting,
    table: EventTable,
    { settingId, after, until }: DeliveryCursor,
    events: readonly TableEvent[],
  ): Promise<BatchOutcome> {
    const source = diagnosticSettingId(setting).toLowerCase();
    const outcome = await ports.addRows(setting.target, {
      table,
      lines: events.map((event) => csvLine(table, event, source)),
      requestId: `diagnostics ${settingId} ${after} ${until ?? after}`,
    });
    if (outcome === 'refused') ports.refused(setting.target, table.name);
    return outcome;
  }

  /** Events after one number and up to another, as many as one batch holds. @returns `until`: up to where it was looked */
  async function eventsOf(
    { scope }: DiagnosticSetting,
    table: EventTable,
    range: { readonly after: number; readonly until: number },
  ): Promise<{ readonly events: readonly TableEvent[]; readonly until: number }> {
    const events: TableEvent[] = [];
    let after = range.after;
    while (after < range.until && events.length < eventsPerBatch) {
      const page = await findEvents(state, { resource: scope }, { after, limit: eventsPerBatch - events.length });
      const inRange = page.events.filter(({ sequence }) => sequence <= range.until);
      events.push(
        ...inRange
          .map(({ sequence, event }) => ({ sequence, event: azureEvent(event) }))
          .filter((event) => isOf(table, event)),
      );
      after = page.next === undefined ? range.until : Math.min(page.next, range.until);
    }
    return { events, until: after };
  }

  return {
    deliver: () => (underWay ??= deliverAll().finally(() => (underWay = undefined))),
  };
}

const newestOf = async (state: State): Promise<number> =>
  ((await state.get(auditHead, headRecordId))?.value.next ?? 1) - 1;
