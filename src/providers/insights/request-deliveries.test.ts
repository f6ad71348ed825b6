import { describe, expect, it } from 'vitest';
import type { DiagnosticSetting } from '../../arm/diagnostic-settings.ts';
import { cursorId, deliveryCursors, diagnosticSettingId, diagnosticSettings } from '../../arm/diagnostic-settings.ts';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { MemoryStateStore } from '../../state/memory/memory-state-store.ts';
import { RootKey } from '../../state/root-key.ts';
import { SealedState } from '../../state/sealed/sealed-state.ts';
import { writeRecord } from '../../state/state.ts';
import type { BatchOutcome } from './deliveries.ts';
import type { RequestDeliveryPorts, ToldEvent } from './request-deliveries.ts';
import { createRequestDeliveries } from './request-deliveries.ts';

const guid = () => newGuid(systemRandomBytes);
const clusterScope = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Kusto/clusters/c';
const boot = 'this boot';
const began = 1_000;

const settingOf = (name: string, categories: readonly string[]): DiagnosticSetting => ({
  ...{ settingId: guid(), name, scope: clusterScope, metrics: [] },
  target: { resourceId: `/${name}`, clusterId: guid(), databaseId: guid() },
  logs: categories.map((category) => ({ category, enabled: true })),
  systemData: {
    ...{ createdBy: '', createdByType: 'User', createdAt: '' },
    ...{ lastModifiedBy: '', lastModifiedByType: 'User', lastModifiedAt: '' },
  },
});

/** A cluster's process that tells what it was asked, and targets whose tables take rows once for each id. */
class World {
  bufferId: Guid | undefined = guid();
  readonly events: ToldEvent[] = [];
  readonly asked: Parameters<RequestDeliveryPorts['requestsOf']>[1][] = [];
  readonly rows = new Map<string, string[]>();
  readonly refusals: string[] = [];
  outcome: BatchOutcome | 'lost' = 'added';
  /** Asked while rows are taken. */
  meanwhile: string[] = [];
  readonly #known = new Set<string>();

  /** @param ms when they ended */
  ask(texts: readonly string[], { category = 'Query', ms = began + 1 } = {}): void {
    for (const text of texts)
      this.events.push({ sequence: this.events.length + 1, endedAtMs: ms, category, event: { text, category } });
  }

  readonly ports = (state: SealedState): RequestDeliveryPorts => ({
    ...{ state, boot },
    requestsOf: (_scope, at) => {
      this.asked.push(at);
      if (this.bufferId === undefined || at === undefined) return Promise.resolve(undefined);
      const after = at.bufferId === this.bufferId ? at.after : 0;
      const events = this.events.filter(({ sequence }) => sequence > after).slice(0, 3);
      return Promise.resolve({ bufferId: this.bufferId, last: this.events.length, events });
    },
    addRows: (target, { table, lines, requestId }) => {
      this.ask(this.meanwhile.splice(0, 1));
      const isTaken = this.outcome === 'added' || this.outcome === 'lost';
      const place = `${target.resourceId} ${table.name}`;
      if (isTaken && !this.#known.has(`${place} ${requestId}`))
        this.rows.set(place, [...(this.rows.get(place) ?? []), ...lines]);
      if (isTaken) this.#known.add(`${place} ${requestId}`);
      return Promise.resolve(this.outcome === 'lost' ? 'unavailable' : this.outcome);
    },
    failed: (_name, error) => {
      throw error;
    },
    refused: ({ resourceId }, table) => void this.refusals.push(`${resourceId} ${table}`),
  });

  /** The texts in a table, in their order. */
  texts = (place: string) => (this.rows.get(place) ?? []).map((row) => /q\d+/.exec(row)?.[0]);
}

async function start(...settings: readonly DiagnosticSetting[]) {
  const state = await SealedState.open({
    ...{ store: new MemoryStateStore(), rootKey: new RootKey(systemRandomBytes(32)), randomBytes: systemRandomBytes },
  });
  for (const setting of settings)
    await state.commit({
      write: [
        writeRecord(diagnosticSettings, diagnosticSettingId(setting).toLowerCase(), null, setting),
        ...['ADXQuery', 'ADXCommand'].map((table) =>
          writeRecord(deliveryCursors, cursorId(setting, table), null, {
            ...{ settingId: setting.settingId, after: 0, since: { boot, at: began } },
          }),
        ),
      ],
    });
  const world = new World();
  return { world, state, ...createRequestDeliveries(world.ports(state)) };
}

const texts = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `q${from + at}`);

describe('what a cluster was asked', () => {
  it('goes to every table that wants its kind once, in its order, without what ended before the setting', async () => {
    const { world, deliver } = await start(settingOf('both', ['Query', 'Command']), settingOf('one', ['Query']));
    world.ask(['q90'], { ms: began - 1 });
    world.ask(texts(0, 7));
    world.ask(['q7'], { category: 'Command' });
    await Promise.all([deliver(), deliver()]);
    world.ask(['q8']);
    await deliver();
    expect(world.texts('/both ADXQuery')).toEqual([...texts(0, 7), 'q8']);
    expect(world.texts('/one ADXQuery')).toEqual([...texts(0, 7), 'q8']);
    expect(world.texts('/both ADXCommand')).toEqual(['q7']);
  });

  it('keeps no other table waiting where it never ends', async () => {
    const { world, deliver } = await start(settingOf('both', ['Query', 'Command']), settingOf('one', ['Query']));
    world.ask(texts(0, 7));
    world.ask(['q7'], { category: 'Command' });
    world.meanwhile = texts(8, 100);
    await deliver();
    expect(world.texts('/both ADXCommand')).toEqual(['q7']);
    expect(world.texts('/one ADXQuery').slice(0, 7)).toEqual(texts(0, 7));
    expect(world.meanwhile.length).toBeGreaterThan(80);
    while (world.meanwhile.length > 0) await deliver();
    await deliver();
    const all = [...texts(0, 7), ...texts(8, 100)];
    expect([world.texts('/both ADXQuery'), world.texts('/one ADXQuery')]).toEqual([all, all]);
  });

  it('is dropped where it was kept once all have it, and not before', async () => {
    const { world, deliver } = await start(settingOf('a', ['Query']), settingOf('b', ['Query']));
    world.ask(texts(0, 2));
    await deliver();
    await deliver();
    const dropped = () => world.asked.map((at) => at?.dropTo);
    expect(Math.max(...dropped().map(Number))).toBe(2);
    expect(dropped().slice(0, 2)).toEqual([0, 0]); // one has them, the other does not yet
  });

  it('that may have arrived comes again under the id that it had, with nothing that was asked since', async () => {
    const { world, deliver } = await start(settingOf('a', ['Query']));
    world.ask(texts(0, 2));
    world.outcome = 'lost';
    await deliver();
    world.ask(['q2']);
    world.outcome = 'added';
    await deliver();
    expect(world.texts('/a ADXQuery')).toEqual(texts(0, 3));
  });

  it('waits where a table does not take it, and that is told', async () => {
    const { world, deliver } = await start(settingOf('a', ['Query']));
    world.ask(texts(0, 2));
    world.outcome = 'refused';
    await deliver();
    expect(world.refusals).toEqual(['/a ADXQuery']);
    world.outcome = 'added';
    await deliver();
    expect(world.texts('/a ADXQuery')).toEqual(texts(0, 2));
  });

  it('begins anew with another process of the cluster, whose numbers begin anew', async () => {
    const { world, deliver } = await start(settingOf('a', ['Query']));
    world.ask(texts(0, 5));
    await deliver();
    world.bufferId = undefined;
    await deliver(); // it has no process
    world.events.splice(0);
    world.bufferId = guid();
    world.ask(texts(5, 7));
    await deliver();
    expect(world.texts('/a ADXQuery')).toEqual(texts(0, 7));
  });

  it('is kept no longer once no setting wants it', async () => {
    const setting = settingOf('a', ['Query']);
    const { world, state, deliver } = await start(setting);
    await deliver();
    const id = diagnosticSettingId(setting).toLowerCase();
    const held = await state.get(diagnosticSettings, id);
    await state.commit({ write: [writeRecord(diagnosticSettings, id, held?.version ?? 0, null)] });
    await deliver();
    await deliver();
    expect(world.asked.filter((at) => at === undefined)).toHaveLength(1);
    expect(world.asked.at(-1)).toBeUndefined();
  });
});
