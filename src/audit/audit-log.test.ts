import { setImmediate as othersTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { newGuid } from '../base/new-guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import { instant, toIso } from '../clock/clock.ts';
import type { StateCommit, StateExpectation, StateWrite, Table } from '../state/state.ts';
import { expectRecord, writeRecord } from '../state/state.ts';
import { StateConflictError } from '../state/state-store.ts';
import type { AuditRecord } from './audit-chain.ts';
import { auditChain, auditHead } from './audit-chain.ts';
import type { AuditEvent, VaultFacts } from './audit-event.ts';
import type { Computed } from './audit-log.ts';
import { AuditLog } from './audit-log.ts';
import { eventPages, sequenceBefore } from './read-events.ts';
import { RepeatedEvents } from './repeated-events.ts';
import { memoryState } from './memory-state.fixture.ts';
import { verifyChain } from './verify-chain.ts';

const things: Table<number> = { name: 'things', parse: (value) => value as number };
const vaultId = newGuid(systemRandomBytes);
const begin = Date.UTC(2026, 0, 1);
const minute = 60_000;

const eventOf = (id: string, changes: Partial<VaultFacts> = {}, at = begin): AuditEvent => ({
  ...{ time: toIso(instant(at)), requestId: newGuid(systemRandomBytes), correlationId: newGuid(systemRandomBytes) },
  durationMs: 1,
  facts: {
    ...{ kind: 'vault', vaultId, vaultName: 'v', resourceId: '/v', operation: 'KeyGet', id, status: 200 },
    ...{ caller: { objectId: vaultId, tenantId: vaultId, displayName: 'somebody' }, clientAddress: '::1' },
    ...changes,
  },
});

interface StartOptions {
  readonly eventsMax?: number;
  readonly computed?: Computed;
  readonly idleMs?: () => number;
}

async function start(options: StartOptions = {}) {
  const { sealed, state, before } = await memoryState();
  const commits: StateCommit[] = [];
  before.commit = (commit) => void commits.push(commit);
  const clock = { now: () => instant(begin) };
  const log = new AuditLog(state, clock, options);
  await sealed.commit({ write: [writeRecord(things, 'one', null, 1), writeRecord(things, 'two', null, 2)] });
  const versionOf = async (id: string): Promise<number> => (await sealed.get(things, id))?.version ?? 0;
  const outcome = (
    event: AuditEvent,
    expect: readonly StateExpectation[] = [],
    write: readonly StateWrite[] = [],
  ): Promise<unknown> => log.commit({ events: [event], expect, write }).catch((error: unknown) => error);
  const recorded = async (): Promise<readonly AuditEvent[]> => {
    const all: AuditEvent[] = [];
    for await (const page of eventPages(sealed)) all.push(...page.map(({ event }) => event));
    return all;
  };
  return { sealed, state, before, commits, log, versionOf, outcome, recorded };
}

const idsOf = (events: readonly AuditEvent[]) => events.map(({ facts }) => (facts as VaultFacts).id);

describe('events that come together', () => {
  it('are one record, and read as if each had its own', async () => {
    const { sealed, commits, outcome, recorded } = await start();
    const events = [
      ...[eventOf('a'), eventOf('a'), eventOf('b'), eventOf('a', { status: 404, error: { code: 'KeyNotFound' } })],
      ...[eventOf('a', { clientAddress: '::2' }), eventOf('a', { vaultId: newGuid(systemRandomBytes) })],
    ];
    await Promise.all(events.map((one) => outcome(one)));
    expect(commits.map(({ write }) => write.length)).toEqual([2]);
    expect(await recorded()).toEqual(events);
    const [record] = await sealed.list(auditChain);
    expect(record?.value.shared).toHaveLength(5);
  });

  it('one after the other are waited for while they come, a bounded time', async () => {
    const { commits, outcome, recorded } = await start();
    const told: Promise<unknown>[] = [];
    for (let turn = 0; turn < 40; turn += 1) {
      told.push(outcome(eventOf(String(turn))));
      await othersTurn();
    }
    expect(commits.length).toBeGreaterThan(1);
    await Promise.all(told);
    expect(await recorded()).toHaveLength(40);
    expect(commits.length).toBeLessThan(10);
  });

  it('that are computed are one commit with the first when half of them are here', async () => {
    let underWay = 5;
    const ends: (() => void)[] = [];
    const oneEnded = () => new Promise<void>((resolve) => void ends.push(resolve));
    const computed = { oneEnded, get count() { return underWay; } }; // prettier-ignore
    const { commits, outcome, recorded } = await start({ computed });
    const told: Promise<unknown>[] = [];
    const end = async (name: string): Promise<void> => {
      underWay -= 1;
      told.push(outcome(eventOf(name)));
      for (const tell of ends.splice(0)) tell();
      for (let turn = 0; turn < 40; turn += 1) await othersTurn();
    };
    await end('a');
    await end('b');
    expect(commits).toHaveLength(0);
    await end('c');
    expect(commits).toHaveLength(1);
    await Promise.all(told);
    expect(idsOf(await recorded())).toEqual(['a', 'b', 'c']);
  });

  it.each([
    ['nearly all in one commit while the thread has other work', false, 56, 64],
    ['half in each while it has none', true, 24, 44],
  ])('of those who ask again and again are %s', async (_name, isIdle, least, most) => {
    let idleMs = 0;
    const { commits, outcome } = await start({ idleMs: () => (idleMs += isIdle ? 1 : 0) });
    const ready = Array.from({ length: 64 }, (_, client) => String(client));
    for (let asked = 0; asked < 64 * 25;) {
      const now = ready.splice(0, 8);
      for (const client of now) void outcome(eventOf(client)).then(() => ready.push(client));
      asked += now.length;
      await othersTurn();
    }
    const sizes = commits.slice(10, 20).map(({ write }) => {
      const record = write.find(({ table }) => table.name === auditChain.name)?.put as AuditRecord;
      return record.events.length;
    });
    const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    expect(mean).toBeGreaterThanOrEqual(least);
    expect(mean).toBeLessThanOrEqual(most);
  });

  it('that are computed are not waited for without end where none of them is told', async () => {
    const computed = { count: 1_000, oneEnded: () => Promise.resolve() };
    const { outcome, recorded } = await start({ computed });
    await outcome(eventOf('a'));
    expect(await recorded()).toHaveLength(1);
  });

  it('are told when they are durable, with the changes that they are of', async () => {
    const { sealed, outcome, versionOf } = await start();
    const told = outcome(eventOf('a'), [], [writeRecord(things, 'one', await versionOf('one'), 3)]);
    expect(await sealed.list(auditChain)).toEqual([]);
    await told;
    expect((await sealed.list(auditChain)).length).toBe(1);
    expect((await sealed.get(things, 'one'))?.value).toBe(3);
  });

  it('are not recorded where what the operation relied on has changed; the others are', async () => {
    const { sealed, outcome, versionOf, recorded } = await start();
    const [one, two] = [await versionOf('one'), await versionOf('two')];
    await sealed.commit({ write: [writeRecord(things, 'one', one, 3)] });
    const outcomes = await Promise.all([
      outcome(eventOf('stale'), [expectRecord(things, 'one', one)]),
      outcome(eventOf('good'), [expectRecord(things, 'two', two)]),
      outcome(eventOf('current'), [expectRecord(things, 'one', await versionOf('one'))]),
      outcome(eventOf('refused')),
    ]);
    expect(outcomes[0]).toBeInstanceOf(StateConflictError);
    expect(outcomes.slice(1)).toEqual([undefined, undefined, undefined]);
    expect(idsOf(await recorded()).toSorted()).toEqual(['current', 'good', 'refused']);
  });

  it('that write the same record are one after the other, and one of them is refused', async () => {
    const { outcome, versionOf, recorded } = await start();
    const version = await versionOf('one');
    const write = (value: number) => [writeRecord(things, 'one', version, value)];
    const outcomes = await Promise.all([
      outcome(eventOf('first'), [], write(5)),
      outcome(eventOf('second'), [], write(6)),
      outcome(eventOf('third'), [expectRecord(things, 'two', await versionOf('two'))]),
    ]);
    expect(outcomes.map((one) => one instanceof StateConflictError)).toEqual([false, true, false]);
    expect(idsOf(await recorded()).toSorted()).toEqual(['first', 'third']);
  });

  it('are acknowledged when listeners have ended, who may use the log themselves', async () => {
    const { sealed, versionOf, recorded } = await start();
    const told: string[] = [];
    const log: AuditLog = new AuditLog(
      sealed,
      { now: () => instant(begin) },
      {
        tell: async (write) => {
          await log.commit({ events: [eventOf('of the listener')] });
          told.push(...write.map(({ id }) => id));
        },
      },
    );
    const write = [writeRecord(things, 'one', await versionOf('one'), 3)];
    await log.commit({ events: [eventOf('change')], write });
    expect(told).toEqual(['one']);
    expect(idsOf(await recorded())).toEqual(['change', 'of the listener']);
  });

  it('fail with their commit, and those after them do not', async () => {
    const { before, outcome, recorded, state } = await start();
    before.commit = () => {
      before.commit = () => undefined;
      throw new Error('the disk is gone');
    };
    const failed = await Promise.all([outcome(eventOf('a')), outcome(eventOf('b'))]);
    expect(failed).toEqual([new Error('the disk is gone'), new Error('the disk is gone')]);
    expect(await outcome(eventOf('c'))).toBeUndefined();
    expect(idsOf(await recorded())).toEqual(['c']);
    expect((await verifyChain(state)).findings).toEqual([]);
  });

  it('come in records of a bounded size, in their order', async () => {
    const { sealed, outcome, recorded } = await start();
    await Promise.all(Array.from({ length: 300 }, (_, index) => outcome(eventOf(`k${index}`))));
    expect(await sealed.list(auditChain)).toHaveLength(3);
    expect(idsOf(await recorded())).toEqual(Array.from({ length: 300 }, (_, index) => `k${index}`));
  });
});

describe('what is kept', () => {
  it('is so many events, and for so long; the chain begins where the rest was removed', async () => {
    const { log, sealed, state, recorded } = await start({ eventsMax: 50 });
    for (let at = 0; at < 100; at++) await log.commit({ events: [eventOf(`k${at}`, {}, begin + at * minute)] });
    expect(await log.trim(instant(begin))).toBe(50);
    expect(await log.trim(instant(begin + 60 * minute))).toBe(10);
    expect(idsOf(await recorded())[0]).toBe('k60');
    expect(await verifyChain(state)).toMatchObject({ from: 61, next: 101, events: 40, findings: [] });
    expect((await sealed.get(auditHead, 'head'))?.value.kept.next).toBe(61);
    expect(await log.trim(instant(begin + 1000 * minute))).toBe(40);
    expect(await verifyChain(state)).toMatchObject({ from: 101, next: 101, events: 0, findings: [] });
    await log.commit({ events: [eventOf('again')] });
    expect(await verifyChain(state)).toMatchObject({ from: 101, next: 102, events: 1, findings: [] });
  });

  it('is bounded while nobody asks for it', async () => {
    const { log, state } = await start({ eventsMax: 10 });
    const many = Array.from({ length: 400 }, (_, at) => eventOf(`k${at}`));
    for (let at = 0; at < 4; at++) await log.commit({ events: many });
    const { events, findings } = await verifyChain(state);
    expect(events).toBeLessThanOrEqual(1_010);
    expect(findings).toEqual([]);
  });

  it('is read from any event on, in pages that hold so many however many a record has', async () => {
    const { log, state } = await start();
    const sizes = [...Array.from({ length: 60 }, () => 1), 900, 2, 1_500, 1, 1, 600];
    for (const [at, size] of sizes.entries())
      await log.commit({ events: Array.from({ length: size }, (_value, each) => eventOf(`k${at}-${each}`)) });
    const total = sizes.reduce((sum, size) => sum + size, 0);
    for (const after of [
      0,
      1,
      7,
      8,
      59,
      60,
      61,
      70,
      400,
      959,
      960,
      961,
      962,
      963,
      2_461,
      2_462,
      2_464,
      total - 1,
      total,
    ]) {
      const found: number[] = [];
      const pages: number[] = [];
      for await (const page of eventPages(state, { after })) {
        found.push(...page.map(({ sequence }) => sequence));
        pages.push(page.length);
      }
      expect(found).toEqual(Array.from({ length: total - after }, (_value, index) => after + 1 + index));
      expect(Math.max(...pages)).toBeLessThanOrEqual(3_100); // eight records, before it is known how long they are
    }
  });

  it('is found by time', async () => {
    const { log, state } = await start();
    for (let at = 0; at < 40; at++) {
      const three = [0, 1, 2].map((each) => eventOf(`k${at}-${each}`, {}, begin + at * minute));
      await log.commit({ events: three });
    }
    await log.trim(instant(begin + 10 * minute));
    for (const at of [-1, 0, 9, 10, 11, 25, 39, 40, 100]) {
      const time = toIso(instant(begin + at * minute));
      const after = await sequenceBefore(state, time);
      const found: string[] = [];
      for await (const page of eventPages(state, { after })) found.push(...page.map(({ event }) => event.time));
      const wanted = Array.from({ length: 40 }, (_, minutes) => minutes).filter((one) => one >= Math.max(at, 10));
      expect(found.filter((one) => one >= time)).toHaveLength(wanted.length * 3);
      expect(found.length).toBeLessThanOrEqual(wanted.length * 3 + 6);
    }
  });
});

describe('what the server asks again and again', () => {
  it('is an event for each, and a commit in ten minutes, before the first answer', async () => {
    const { state, commits, log, recorded } = await start();
    const repeated = new RepeatedEvents(state, log);
    const ask = (at: number, changes: Partial<VaultFacts> = {}) =>
      repeated.record(instant(at), eventOf('k', changes, at), []);
    await ask(begin);
    expect(await recorded()).toHaveLength(1);
    for (let at = begin + 30_000; at < begin + 60 * minute; at += 30_000) await ask(at);
    expect(commits.filter(({ write }) => write.length > 0).length).toBeLessThanOrEqual(6);
    await log.checkpoint();
    const times = (await recorded()).map(({ time }) => Date.parse(time));
    expect(times).toEqual(Array.from({ length: 120 }, (_, index) => begin + index * 30_000));
    expect((await verifyChain(state)).findings).toEqual([]);
  });

  it('is written with whatever is written next, and at once when it ends otherwise', async () => {
    const { state, log, outcome, recorded } = await start();
    const repeated = new RepeatedEvents(state, log);
    await repeated.record(instant(begin), eventOf('k'), []);
    await repeated.record(instant(begin + 1), eventOf('k'), []);
    expect(await recorded()).toHaveLength(1);
    await outcome(eventOf('other'));
    expect(idsOf(await recorded())).toEqual(['k', 'k', 'other']);
    await repeated.record(instant(begin + 2), eventOf('k', { status: 403 }), []);
    expect(await recorded()).toHaveLength(4);
  });

  it('is refused when what it relied on has changed', async () => {
    const { state, log, versionOf } = await start();
    const repeated = new RepeatedEvents(state, log);
    await repeated.record(instant(begin), eventOf('k'), []);
    const stale = expectRecord(things, 'one', (await versionOf('one')) + 1);
    await expect(repeated.record(instant(begin + 1), eventOf('k'), [stale])).rejects.toThrow(StateConflictError);
  });
});
