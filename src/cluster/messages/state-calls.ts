import { Type } from '@sinclair/typebox';
import type { Json, JsonObject } from '../../base/json.ts';
import type { RecordDamage } from '../../state/record-seal.ts';
import type { Message } from './message.ts';
import { count, list, object, reader, text } from './message.ts';

/** The table by its name. Ids start with `{cluster id}/`. */
const table = text(100);
const id = text(400);
/** The version that a record must have; null: there must be none. */
const expect = Type.Union([count, Type.Null()]);

/** A write of the cluster's own tables, as the process asks for it. `put`: null deletes. */
export const remoteWrite = object({
  ...{ table, id, expect },
  put: Type.Unsafe<JsonObject | null>(Type.Union([Type.Object({}), Type.Null()])),
});

const recordsMax = 50_000;

/** Tells shapes, not rights. `generation`: of the cluster key that the values are sealed under. `stateStage`: beside the catalog in use, while
 * `change` of custody is under way. */
const stateCalls = {
  stateGet: object({ table, id }),
  stateList: object({ table, prefix: id, after: Type.Optional(id), limit: Type.Optional(count) }),
  stateCommit: object({
    generation: count,
    expect: list(object({ table, id, expect }), recordsMax),
    write: list(remoteWrite, recordsMax),
    /** It removes, and adds only what tells of that: it may use the room that is kept on a full disk. */
    takesAway: Type.Optional(Type.Literal(true)),
  }),
  stateStage: object({ change: text(400), write: list(remoteWrite, recordsMax) }),
};

/** State of a cluster's own tables, which the process reaches through its supervisor. */
export type StateCalls = { readonly [Call in keyof typeof stateCalls]: Message<(typeof stateCalls)[Call]> };

/** Reads what a process asks. @throws ProtocolError */
export const readStateCall = {
  stateGet: reader('stateGet', stateCalls.stateGet),
  stateList: reader('stateList', stateCalls.stateList),
  stateCommit: reader('stateCommit', stateCalls.stateCommit),
  stateStage: reader('stateStage', stateCalls.stateStage),
} as const satisfies { readonly [Call in keyof StateCalls]: unknown };

export type RemoteWrite = Message<typeof remoteWrite>;

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

/** The process believes its supervisor. */
export interface StateReplies {
  readonly stateGet: RemoteRecord | undefined | DamagedReply;
  readonly stateList: readonly RemoteRecord[] | DamagedReply;
  readonly stateCommit: CommitReply | DamagedReply;
  readonly stateStage: StageReply | DamagedReply;
}

/** `ended`: that change is not under way (any more). */
export type StageReply = { readonly outcome: 'staged' } | { readonly outcome: 'ended' } | { readonly outcome: 'full' };
