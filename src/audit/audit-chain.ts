import type { Guid } from '../base/guid.ts';
import { invariant } from '../base/invariant.ts';
import type { Json } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import type { Table } from '../state/state.ts';
import type { AuditEvent, AuditFacts, NumberedEvent } from './audit-event.ts';
import { canonicalJson } from '../base/canonical-json.ts';
import { sha256Hex } from '../base/sha256.ts';

/** A place between two records: the number of the event that comes next, and the hash of the record before. */
export interface ChainPoint {
  readonly next: number;
  /** 64 hex digits. */
  readonly hash: string;
}

/** Events that became durable together, chained to the record before. */
export interface AuditRecord {
  /** Number of its first event; the others follow without a gap. */
  readonly first: number;
  /** Hash of the record before. */
  readonly previous: string;
  readonly shared: readonly AuditFacts[];
  /** Which of the shared facts, and what is each event's own. */
  readonly events: readonly StoredEvent[];
}

type StoredEvent = readonly [shared: number, time: string, requestId: Guid, correlationId: Guid, durationMs: number];

/** Where the log ends, and from where on it is kept. */
export interface AuditHead extends ChainPoint {
  /** Everything before was removed when its time was over, or there was too much. */
  readonly kept: ChainPoint;
  /** The end was lost, or older than what is known of it: the chain was begun anew here. */
  readonly restarts: readonly ChainRestart[];
}

export interface ChainRestart {
  readonly next: number;
  /** ISO time on the Kustody clock. */
  readonly at: string;
  readonly reason: 'endLost' | 'endOlderThanKnown';
}

export const genesis: ChainPoint = { next: 1, hash: '0'.repeat(64) };

/** Record id: the number of the first event, with zeros before it, so ids are in the order of the chain. */
export const auditChain: Table<AuditRecord> = {
  name: 'audit-chain',
  parse: (value: Json) => {
    invariant(
      isJsonObject(value) &&
        Number.isSafeInteger(value['first']) &&
        typeof value['previous'] === 'string' &&
        Array.isArray(value['shared']) &&
        Array.isArray(value['events']) &&
        value['events'].length > 0,
      'a record of the audit log has a number, the hash before it, and events',
    );
    return value as unknown as AuditRecord;
  },
};

/** One record, `head`. Its name stands after the chain's, so that both lie in one page of digests. */
export const auditHead: Table<AuditHead> = {
  name: 'audit-head',
  parse: (value: Json) => {
    invariant(isJsonObject(value) && isPoint(value) && isPoint(value['kept']), 'a head of the audit log is two points');
    return value as unknown as AuditHead;
  },
};

/** One record, `checkpoint`, that may not be lost: how far the log had come at the last start, end or removal. */
export const auditCheckpoint: Table<ChainPoint> = {
  name: 'audit-checkpoint',
  parse: (value: Json) => {
    invariant(isPoint(value), 'a checkpoint is a point of the chain');
    return value as unknown as ChainPoint;
  },
};

export const headRecordId = 'head';
export const checkpointRecordId = 'checkpoint';

function isPoint(value: Json | undefined): boolean {
  return isJsonObject(value) && Number.isSafeInteger(value['next']) && typeof value['hash'] === 'string';
}

const idDigits = 15;
export const recordIdOf = (first: number): string => String(first).padStart(idDigits, '0');

/** @returns undefined for what is no id of a record */
export function firstOfId(id: string): number | undefined {
  return new RegExp(`^\\d{${idDigits}}$`).test(id) ? Number(id) : undefined;
}

const canonicalTexts = new WeakMap<AuditFacts, string>();

/** Facts are not changed once they are made, and mostly those of the record before. */
function canonicalFacts(facts: AuditFacts): string {
  const known = canonicalTexts.get(facts);
  if (known !== undefined) return known;
  const text = canonicalJson(facts);
  canonicalTexts.set(facts, text);
  return text;
}

/** The hash that the next record carries: of the canonical JSON of the record and the name of this format. Lists of numbers and texts are
 * canonical as `JSON.stringify` writes them. */
function hashOf({ first, previous, shared, events }: AuditRecord): string {
  const listed = JSON.stringify(events);
  const text = `{"events":${listed},"first":${String(first)},"format":"kustody-audit-1","previous":"${previous}","shared":[${shared.map(canonicalFacts).join(',')}]}`;
  return sha256Hex(text);
}

export const pointAfter = (record: AuditRecord): ChainPoint => ({
  next: record.first + record.events.length,
  hash: hashOf(record),
});

/** @param events at least one, in their order */
export function chained(point: ChainPoint, events: readonly AuditEvent[]): AuditRecord {
  const shared: AuditFacts[] = [];
  const stored: StoredEvent[] = [];
  for (const { facts, time, requestId, correlationId, durationMs } of events) {
    let at = 0;
    for (let one = shared[at]; one !== undefined && !areSame(one, facts); one = shared[at]) at += 1;
    if (at === shared.length) shared.push(facts);
    stored.push([at, time, requestId, correlationId, durationMs]);
  }
  return { first: point.next, previous: point.hash, shared, events: stored };
}

/** Members that are objects are mostly the same ones, as those of callers are. */
function areSame(left: AuditFacts, right: AuditFacts): boolean {
  if (left === right) return true;
  const names = Object.keys(left) as (keyof AuditFacts)[];
  if (names.length !== Object.keys(right).length) return false;
  for (const name of names) {
    const one: unknown = left[name];
    const other: unknown = right[name];
    if (one === other) continue;
    if (typeof one !== 'object' || typeof other !== 'object') return false;
    if (canonicalJson(one) !== canonicalJson(other)) return false;
  }
  return true;
}

/** The events of a record, each as if it stood alone. One whose facts are gone, which no writer of ours leaves out, is left out. */
export function eventsOf(record: AuditRecord): readonly NumberedEvent[] {
  return record.events.flatMap(([shared, time, requestId, correlationId, durationMs], index) => {
    const facts = record.shared[shared];
    if (facts === undefined) return [];
    return [{ sequence: record.first + index, event: { time, requestId, correlationId, durationMs, facts } }];
  });
}
