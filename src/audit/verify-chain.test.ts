import { describe, expect, it } from 'vitest';
import { newGuid } from '../base/new-guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import { instant, toIso } from '../clock/clock.ts';
import type { MemoryRecords } from '../state/memory/memory-state-store.ts';
import { MemoryStateStore } from '../state/memory/memory-state-store.ts';
import { SealedRecordError } from '../state/record-seal.ts';
import type { AuditHead, AuditRecord } from './audit-chain.ts';
import { auditChain, auditCheckpoint, auditHead, firstOfId, recordIdOf } from './audit-chain.ts';
import type { AuditEvent } from './audit-event.ts';
import { AuditLog } from './audit-log.ts';
import { memoryState } from './memory-state.fixture.ts';
import { openRecords } from './open-records.fixture.ts';
import type { OpenRecords } from './open-records.fixture.ts';
import type { ChainReport } from './verify-chain.ts';
import { verifyChain } from './verify-chain.ts';

/** So many of each of the two kinds: `KUSTODY_TAMPERINGS` in all. */
const tamperings = Number(process.env['KUSTODY_TAMPERINGS'] ?? 600) / 2;
const seed = Number(process.env['KUSTODY_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** Numbers from 0 to below `below`, the same again with the same seed. */
function drawing(from: number): (below: number) => number {
  let state = from;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const clock = { now: () => instant(Date.UTC(2026, 0, 1)) };
const guid = newGuid(systemRandomBytes);
const event = (at: number): AuditEvent => ({
  ...{ time: toIso(instant(clock.now() + at * 1000)), requestId: newGuid(systemRandomBytes), correlationId: guid },
  durationMs: at % 7,
  facts: {
    ...{ kind: 'vault', vaultId: guid, vaultName: 'v', resourceId: '/v', operation: 'KeyUnwrap', status: 200 },
    ...{ id: `https://v/keys/k${at % 3}`, clientAddress: '::1' },
    caller: { objectId: guid, tenantId: guid, displayName: 'somebody' },
  },
});

/** Some 40 records of one to four events, the oldest of which were removed; a checkpoint in the middle. */
async function fill(log: AuditLog, draw: (below: number) => number): Promise<void> {
  for (let at = 0; at < 40; at++) {
    await log.commit({ events: Array.from({ length: 1 + draw(4) }, (_, index) => event(at * 4 + index)) });
    if (at === 20) await log.checkpoint();
    if (at === 5) await log.trim(instant(clock.now() + 8_000));
  }
}

const touches = (report: ChainReport, from: number, to: number): boolean =>
  report.findings.some(({ first, last }) => first <= to && from <= last);

describe('a chain that somebody with the root key has changed', () => {
  const draw = drawing(seed);
  const kinds = {
    altersAnEvent: (records, [id, record]) => {
      const [one, ...rest] = record.events;
      if (one === undefined) throw new Error('a record has events');
      const changed = { ...record, events: [[one[0], `${one[1].slice(0, -1)}9`, ...one.slice(2)], ...rest] };
      records.chain.set(id, changed as unknown as AuditRecord);
    },
    altersFacts: (records, [id, record]) => {
      const shared = record.shared.map((facts) => ({ ...facts, clientAddress: '::2' }));
      records.chain.set(id, { ...record, shared });
    },
    altersTheHashBefore: (records, [id, record]) => {
      const previous = record.previous.replace(/^./, (digit) => (digit === 'f' ? 'e' : 'f'));
      records.chain.set(id, { ...record, previous });
    },
    takesAnEventOut: (records, [id, record]) => {
      if (record.events.length === 1) records.chain.delete(id);
      else records.chain.set(id, { ...record, events: record.events.slice(0, -1) });
    },
    removes: (records, [id]) => void records.chain.delete(id),
    putsInAnothersPlace: (records, [id], draws) => {
      const all = [...records.chain];
      const [other] = all.filter(([one]) => one !== id).slice(draws(all.length - 1));
      if (other === undefined) throw new Error('there are others');
      records.chain.set(id, other[1]);
    },
    repeatsAtTheEnd: (records, [, record]) => {
      const { next } = head(records);
      records.chain.set(recordIdOf(next), { ...record, first: next });
    },
  } satisfies Record<string, (records: OpenRecords, at: [string, AuditRecord], draws: typeof draw) => void>;
  const head = (records: OpenRecords): AuditHead => {
    if (records.head === undefined) throw new Error('there is a head');
    return records.head;
  };

  it(`is found: ${tamperings} times, and the record is named (seed ${seed})`, { timeout: 300_000 }, async () => {
    const made = openRecords();
    await fill(new AuditLog(made.state, clock), draw);
    expect(await verifyChain(made.state)).toMatchObject({ findings: [] });
    const names = Object.keys(kinds) as (keyof typeof kinds)[];
    for (let at = 0; at < tamperings; at++) {
      const name = names[at % names.length] ?? 'removes';
      const copy = openRecords(made.records);
      const all = [...copy.records.chain].toSorted(([left], [right]) => (left < right ? -1 : 1));
      const victim = all[draw(all.length)];
      if (victim === undefined) throw new Error('there are records');
      kinds[name](copy.records, victim, draw);
      const report = await verifyChain(copy.state);
      const from = name === 'repeatsAtTheEnd' ? head(made.records).next : (firstOfId(victim[0]) ?? 0);
      const found = touches(report, from, from + victim[1].events.length - 1);
      expect(found, `${name} of ${victim[0]}: ${JSON.stringify(report.findings)} (seed ${seed})`).toBe(true);
    }
  });

  it.each<[string, (records: OpenRecords) => void, string]>([
    ['cut at the end', ({ chain }) => void chain.delete([...chain.keys()].toSorted().at(-1) ?? ''), 'truncated'],
    ['without its end', (records) => (records.head = undefined), 'endLost'],
    ['with another end', (records) => (records.head = { ...head(records), hash: 'f'.repeat(64) }), 'altered'],
    ['with an earlier end', (records) => (records.head = { ...head(records), next: 60 }), 'endAltered'],
    [
      'taken away whole',
      (records) => {
        records.chain.clear();
        records.head = undefined;
      },
      'endLost',
    ],
  ])('is found when it is %s', async (_name, tamper, kind) => {
    const { records, state } = openRecords();
    await fill(new AuditLog(state, clock), drawing(1));
    tamper(records);
    expect((await verifyChain(state)).findings.map((finding) => finding.kind)).toContain(kind);
  });

  it('is found when all of it is older than the last checkpoint, and for good once it has gone on', async () => {
    const { records, state } = openRecords();
    await fill(new AuditLog(state, clock), drawing(3));
    const older = { chain: new Map(records.chain), head: records.head };
    await new AuditLog(state, clock).commit({ events: [event(1), event(2)] });
    await new AuditLog(state, clock).checkpoint();
    const { next } = await verifyChain(state);
    records.chain.clear();
    for (const [id, record] of older.chain) records.chain.set(id, record);
    records.head = older.head;
    expect((await verifyChain(state)).findings).toEqual([{ kind: 'truncated', first: next - 2, last: next - 1 }]);
    await new AuditLog(state, clock).commit({ events: [event(3)] });
    expect((await verifyChain(state)).findings).toContainEqual({ kind: 'beganAnew', first: next, last: next });
  });

  it('is found when all of it was made anew, by a point that was noted elsewhere', async () => {
    const { state } = openRecords();
    await fill(new AuditLog(state, clock), drawing(1));
    const { next, hash } = await verifyChain(state);
    await new AuditLog(state, clock).commit({ events: [event(1)] });
    const known = { next, hash };
    expect((await verifyChain(state, { known })).findings).toEqual([]);
    const other = openRecords();
    await fill(new AuditLog(other.state, clock), drawing(1));
    await new AuditLog(other.state, clock).commit({ events: [event(1)] });
    expect((await verifyChain(other.state)).findings).toEqual([]);
    expect((await verifyChain(other.state, { known })).findings).toMatchObject([{ kind: 'notAsKnown' }]);
  });
});

describe('a store that somebody without the root key has changed', () => {
  const keyBytes = systemRandomBytes(32);
  const copied = (records: MemoryRecords): MemoryRecords =>
    new Map([...records].map(([name, table]) => [name, new Map(table)]));

  it(`is found: ${tamperings} times (seed ${seed})`, { timeout: 300_000 }, async () => {
    const draw = drawing(seed + 1);
    const records: MemoryRecords = new Map();
    const made = await memoryState(new MemoryStateStore(records), keyBytes);
    await fill(new AuditLog(made.state, clock), draw);
    const earlier = copied(records);
    await new AuditLog(made.state, clock).commit({ events: [event(200)] });
    await new AuditLog(made.state, clock).checkpoint();
    await new AuditLog(made.state, clock).commit({ events: [event(201)] });
    for (let at = 0; at < tamperings; at++) {
      const copy = copied(records);
      const chain = copy.get(auditChain.name) ?? new Map<string, never>();
      const ids = [...chain.keys()].toSorted();
      const id = ids[draw(ids.length)] ?? '';
      const victim = chain.get(id);
      if (victim === undefined) throw new Error('there are records');
      const what = ['flip', 'remove', 'swap', 'cut', 'head', 'oldHead', 'emptied'][at % 7] ?? 'flip';
      if (what === 'flip') {
        const value = Buffer.from(victim.value);
        const bit = draw(value.length);
        value.writeUInt8(value.readUInt8(bit) ^ (1 << draw(8)), bit);
        chain.set(id, { ...victim, value });
      } else if (what === 'remove') chain.delete(id);
      else if (what === 'swap') {
        const other = ids.filter((one) => one !== id)[draw(ids.length - 1)] ?? '';
        chain.set(id, { ...victim, value: chain.get(other)?.value ?? victim.value });
      } else if (what === 'cut') for (const one of ids.slice(-1 - draw(5))) chain.delete(one);
      else if (what === 'head') copy.delete(auditHead.name);
      else if (what === 'oldHead') copy.set(auditHead.name, new Map(earlier.get(auditHead.name)));
      else for (const table of [auditChain.name, auditHead.name]) copy.delete(table);
      const found = await foundIn(copy);
      expect(found, `${what} of ${id} (seed ${seed})`).not.toEqual([]);
    }
  });

  /** Opened as a server does after a start. */
  async function foundIn(records: MemoryRecords): Promise<readonly unknown[]> {
    const { state } = await memoryState(new MemoryStateStore(records), keyBytes);
    try {
      return (await verifyChain(state)).findings;
    } catch (error) {
      if (error instanceof SealedRecordError) return [error];
      throw error;
    }
  }

  it('goes on after what it knows, and says for good that its end was lost', async () => {
    const records: MemoryRecords = new Map();
    const made = await memoryState(new MemoryStateStore(records), keyBytes);
    await fill(new AuditLog(made.state, clock), drawing(2));
    await new AuditLog(made.state, clock).checkpoint();
    const { next } = await verifyChain(made.state);
    records.delete(auditHead.name);
    records.delete(auditChain.name);
    const { state } = await memoryState(new MemoryStateStore(records), keyBytes);
    await new AuditLog(state, clock).commit({ events: [event(1)] });
    await new AuditLog(state, clock).commit({ events: [event(2)] });
    const { findings } = await verifyChain(state);
    expect(findings).toContainEqual({ kind: 'beganAnew', first: next, last: next });
    expect(await state.get(auditCheckpoint, 'checkpoint')).toBeDefined();
  });
});
