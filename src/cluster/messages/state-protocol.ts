import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { RecordDamage } from '../../state/record-seal.ts';
import type { RemoteWrite } from './protocol.ts';
import { ProtocolError } from './message-fields.ts';

/** State of a cluster's own tables, which the process reaches through its supervisor. Ids start with `{cluster id}/`. */
export interface StateCalls {
  readonly stateGet: { readonly table: string; readonly id: string };
  readonly stateList: {
    readonly table: string;
    readonly prefix: string;
    readonly after?: string;
    readonly limit?: number;
  };
  readonly stateCommit: {
    /** Of the cluster key that the values are sealed under. */
    readonly generation: number;
    readonly expect: readonly RemoteExpectation[];
    readonly write: readonly RemoteWrite[];
  };
  /** Beside the catalog in use, while `change` of custody is under way. */
  readonly stateStage: { readonly change: string; readonly write: readonly RemoteWrite[] };
}

export interface RemoteExpectation {
  readonly table: string;
  readonly id: string;
  readonly expect: number | null;
}

export interface RemoteRecord {
  readonly id: string;
  readonly version: number;
  readonly value: Json;
}

export type CommitReply =
  | { readonly outcome: 'committed' }
  | { readonly outcome: 'conflict'; readonly table: string; readonly id: string }
  /** The cluster may not use its key now (suspended, stopped, removed, lease over), or has another one. */
  | { readonly outcome: 'notServed' }
  /** The custody of the cluster is changing; try again in a moment. */
  | { readonly outcome: 'changing' }
  /** There is no room on the disk. */
  | { readonly outcome: 'full' };

/** A record that was asked for, or one that was to be written, is not what was written there. */
export interface DamagedReply {
  readonly outcome: 'damaged';
  readonly table: string;
  readonly id: string;
  readonly damage: RecordDamage;
}

export interface StateReplies {
  readonly stateGet: RemoteRecord | undefined | DamagedReply;
  readonly stateList: readonly RemoteRecord[] | DamagedReply;
  readonly stateCommit: CommitReply | DamagedReply;
  readonly stateStage: StageReply | DamagedReply;
}

/** `ended`: that change is not under way (any more). */
export type StageReply = { readonly outcome: 'staged' } | { readonly outcome: 'ended' } | { readonly outcome: 'full' };

const recordsMax = 50_000;

/** Reads what a process asks; checks shapes, not rights. @throws ProtocolError */
export const stateCallParsers: { readonly [Call in keyof StateCalls]: (value: unknown) => StateCalls[Call] } = {
  stateGet: (value) => {
    const call = objectOf(value);
    return { table: textOf(call.table), id: textOf(call.id) };
  },
  stateList: (value) => {
    const call = objectOf(value);
    return {
      table: textOf(call.table),
      prefix: textOf(call.prefix),
      ...(call.after === undefined ? {} : { after: textOf(call.after) }),
      ...(call.limit === undefined ? {} : { limit: countOf(call.limit) }),
    };
  },
  stateCommit: (value) => {
    const call = objectOf(value);
    return {
      generation: countOf(call.generation),
      expect: listOf(call.expect).map(expectationOf),
      write: listOf(call.write).map(writeOf),
    };
  },
  stateStage: (value) => {
    const call = objectOf(value);
    return { change: textOf(call.change), write: listOf(call.write).map(writeOf) };
  },
};

function writeOf(value: unknown): RemoteWrite {
  const { put } = objectOf(value);
  if (put !== null && !isJsonObject(put)) throw new ProtocolError('put');
  return { ...expectationOf(value), put };
}

function expectationOf(value: unknown): RemoteExpectation {
  const item = objectOf(value);
  return { table: textOf(item.table), id: textOf(item.id), expect: item.expect === null ? null : countOf(item.expect) };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new ProtocolError('no object');
  return value as Readonly<Record<string, unknown>>;
}

function textOf(value: unknown): string {
  if (typeof value !== 'string' || value.length > 400) throw new ProtocolError('text');
  return value;
}

function countOf(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new ProtocolError('number');
  return value;
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value) || value.length > recordsMax) throw new ProtocolError('list');
  return value;
}
