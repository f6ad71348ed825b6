import { Type } from '@sinclair/typebox';
import type { Guid } from '../../base/guid.ts';
import type { Message } from './message.ts';
import { count, guid, list, number, object, oneOf, outcome, text } from './message.ts';

/** The main process takes what it is to tell of. It goes through its memory and into the tables that settings name, nowhere else. */
export interface EndedRequestsCall {
  /** Of the process that was asked last; another one has other numbers. */
  readonly bufferId?: Guid;
  /** All those up to it are in every table that they go to. */
  readonly dropTo: number;
  readonly after: number;
  /** 0: nobody wants them any more. */
  readonly limit: number;
}

/** UTF-16 units of a query's or command's text; what is longer is cut. */
export const toldTextUnitsMax = 65_536;
export const toldNameUnitsMax = 1_024;

/** Requests in one answer. */
export const toldRequestsMax = 200;

const name = text(toldNameUnitsMax);

const toldRequest = object({
  sequence: count,
  /** Real time of this boot, which says whether a setting was there already. */
  endedAtMs: number,
  kind: oneOf(['query', 'command']),
  text: text(toldTextUnitsMax),
  ...{ database: name, clientRequestId: name, activityId: guid, principal: name, user: name, application: name },
  /** Of commands: `TableCreate`. */
  commandType: name,
  /** Milliseconds since 1970 on the Kustody clock. */
  ...{ startedOn: number, endedOn: number },
  milliseconds: number,
  state: oneOf(['Completed', 'Failed', 'Cancelled', 'Throttled']),
  failure: name,
  workloadGroup: name,
  usage: Type.Optional(
    object({
      scanned: object({ extents: count, extentsScanned: count, rows: count, rowsScanned: count }),
      /** Of the answer. */
      tables: list(object({ rows: count, bytes: count }), 100),
    }),
  ),
});

export type ToldRequest = Message<typeof toldRequest>;

/** `last`: number of the newest one. `lost`: so many went unasked for, because there were too many. */
export const endedRequestsReply = Type.Union([
  outcome('listed', { bufferId: guid, last: count, lost: count, requests: list(toldRequest, toldRequestsMax) }),
  outcome('unavailable', {}),
]);

export type EndedRequestsReply = Message<typeof endedRequestsReply>;
