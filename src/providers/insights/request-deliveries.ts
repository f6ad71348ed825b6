import type { DiagnosticSetting, DiagnosticTarget } from '../../arm/diagnostic-settings.ts';
import { cursorId, deliveryCursors, diagnosticSettingId, diagnosticSettings } from '../../arm/diagnostic-settings.ts';
import type { EventTable, TableEvent } from '../../audit/event-tables.ts';
import { csvLine } from '../../audit/event-tables.ts';
import { requestTables } from '../../audit/request-tables.ts';
import type { Guid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Moment } from '../../clock/monotonic-clock.ts';
import { listIntact } from '../../state/list-all.ts';
import type { State } from '../../state/state.ts';
import type { BatchOutcome, EventBatch } from './deliveries.ts';
import { enabledTables } from './setting-tables.ts';

/** A query or command of a cluster that is over. */
export interface ToldEvent extends TableEvent {
  readonly category: string;
  /** Real time of this boot. */
  readonly endedAtMs: number;
}

/** What a cluster still has to tell. Its numbers are those of one run of its process, which `bufferId` names. */
export interface ToldEvents {
  readonly bufferId: Guid;
  /** The number of the newest one. */
  readonly last: number;
  readonly events: readonly ToldEvent[];
}

export interface RequestDeliveryPorts {
  readonly state: State;
  /** @param at up to which number everything is where it goes, and after which one more is asked for; undefined: nobody wants any more
   * @returns undefined while the cluster has no process: then it has nothing to tell */
  readonly requestsOf: (
    clusterResourceId: string,
    at: { readonly bufferId?: Guid; readonly dropTo: number; readonly after: number } | undefined,
  ) => Promise<ToldEvents | undefined>;
  readonly addRows: (target: DiagnosticTarget, batch: EventBatch) => Promise<BatchOutcome>;
  readonly boot: string;
  readonly failed: (name: string, error: unknown) => void;
  readonly refused: (target: DiagnosticTarget, table: string) => void;
}

/** How far one table of one setting has come. */
interface Place {
  readonly bufferId: Guid | undefined;
  readonly after: number;
  /** Those up to it were sent, and nobody knows whether they arrived. */
  readonly until?: number;
}

interface Consumer {
  readonly setting: DiagnosticSetting;
  readonly table: EventTable;
}

const nowhere: Place = { bufferId: undefined, after: 0 };

/** Copies what clusters were asked to where settings say, each request once. Nothing of it is durable before it is in its table: what a
 * cluster's process has not told when it ends is not told. Places are kept in memory, since the numbers go with the processes, and those
 * with this one. A batch whose outcome is not known is sent again under the same id. */
export function createRequestDeliveries(ports: RequestDeliveryPorts): { readonly deliver: () => Promise<void> } {
  const { state } = ports;
  let places = new Map<string, Place>();
  const asked = new Set<string>();
  let underWay: Promise<void> | undefined;
  const keyOf = ({ setting, table }: Consumer): string => `${setting.settingId} ${table.name}`;
  const placeOf = (consumer: Consumer): Place => places.get(keyOf(consumer)) ?? nowhere;

  const deliverAll = async (): Promise<void> => {
    const settings = (await listIntact(state, diagnosticSettings)).map(({ value }) => value);
    const consumers = settings.flatMap((setting) =>
      enabledTables(setting, requestTables).map((table): Consumer => ({ setting, table })),
    );
    const known = new Set(consumers.map(keyOf));
    places = new Map([...places].filter(([key]) => known.has(key)));
    const bySource = new Map<string, readonly Consumer[]>();
    for (const consumer of consumers) {
      const scope = consumer.setting.scope.toLowerCase();
      bySource.set(scope, [...(bySource.get(scope) ?? []), consumer]);
    }
    for (const [scope, those] of bySource) {
      asked.add(scope);
      for (const consumer of those)
        await deliver(consumer, those).catch((error: unknown) => ports.failed('requests-not-told', error));
    }
    for (const scope of asked)
      if (!bySource.has(scope)) {
        asked.delete(scope);
        await ports.requestsOf(scope, undefined);
      }
  };

  async function deliver(consumer: Consumer, all: readonly Consumer[]): Promise<void> {
    const cursor = await state.get(deliveryCursors, cursorId(consumer.setting, consumer.table.name));
    if (cursor?.value.settingId !== consumer.setting.settingId) return;
    // What it is asked meanwhile is for the next call: a cluster that is asked without end keeps nobody waiting.
    let end: number | undefined;
    do {
      const told = await deliverBatch(consumer, all, cursor.value.since);
      if (told === undefined) return;
      end ??= told.last;
    } while (placeOf(consumer).after < end);
  }

  /** @returns what was told; undefined: there is nothing more, or the table does not take it now */
  async function deliverBatch(
    consumer: Consumer,
    all: readonly Consumer[],
    since: Moment | undefined,
  ): Promise<ToldEvents | undefined> {
    const { setting, table } = consumer;
    const { bufferId, after } = placeOf(consumer);
    const dropTo = Math.min(...all.map((one) => (placeOf(one).bufferId === bufferId ? placeOf(one).after : 0)));
    const at = { dropTo, after, ...(bufferId === undefined ? {} : { bufferId }) };
    const told = await ports.requestsOf(setting.scope, at);
    const last = told?.events.at(-1)?.sequence;
    if (told === undefined || last === undefined) return undefined;
    const place = told.bufferId === bufferId ? placeOf(consumer) : { bufferId: told.bufferId, after: 0 };
    const until = place.until ?? last;
    const isBefore = ({ endedAtMs }: ToldEvent): boolean => since?.boot === ports.boot && endedAtMs < since.at;
    const events = told.events.filter(
      (event) => event.sequence <= until && event.category === table.category && !isBefore(event),
    );
    places.set(keyOf(consumer), { ...place, until });
    if (events.length > 0 && (await send(consumer, { ...place, until }, events)) !== 'added') return undefined;
    places.set(keyOf(consumer), { bufferId: told.bufferId, after: until });
    return told;
  }

  async function send({ setting, table }: Consumer, place: Place, events: readonly ToldEvent[]): Promise<BatchOutcome> {
    const source = diagnosticSettingId(setting).toLowerCase();
    const outcome = await ports.addRows(setting.target, {
      table,
      lines: events.map((event) => csvLine(table, withSource(event, setting), source)),
      requestId: `diagnostics ${setting.settingId} ${place.bufferId ?? ''} ${place.after} ${place.until ?? place.after}`,
    });
    if (outcome === 'refused') ports.refused(setting.target, table.name);
    return outcome;
  }

  return {
    deliver: () => (underWay ??= deliverAll().finally(() => (underWay = undefined))),
  };
}

const withSource = ({ sequence, event }: ToldEvent, { scope }: DiagnosticSetting): TableEvent => ({
  sequence,
  event: { ...event, resourceId: scope } satisfies JsonObject,
});
