import { Type } from '@sinclair/typebox';
import type { RequestView } from '../../database/commands/command-context.ts';
import { instant } from '../../clock/clock.ts';
import type { Message } from './message.ts';
import { count, guid, list, number, object, oneOf, outcome, reader, text } from './message.ts';

/** UTF-16 units of a text that is shown while its request runs, as in the service. */
export const shownTextUnitsMax = 65_536;
/** UTF-16 units of every other text of a client's: names, ids, failures. */
export const shownNameUnitsMax = 1_024;

/** Requests in one message, more than can be under way and kept. */
const viewsMax = 20_000;
const name = text(shownNameUnitsMax);

const usage = object({
  scanned: object({ extents: count, extentsScanned: count, rows: count, rowsScanned: count }),
  tables: list(object({ rows: count, bytes: count }), 100_000),
});

/** Numbers that are times are milliseconds since 1970 on the Kustody clock. */
const view = object({
  ...{ clientRequestId: name, text: text(shownTextUnitsMax), database: name, startedOn: number, activityId: guid },
  ...{ principal: name, user: name, application: name, kind: oneOf(['query', 'command', 'ingestion']) },
  workloadGroup: Type.Optional(name),
  ended: Type.Optional(
    object({
      ...{ on: number, milliseconds: number, state: oneOf(['Completed', 'Failed', 'Cancelled', 'Throttled']) },
      ...{ failure: name, usage: Type.Optional(usage), cpuMs: Type.Optional(number) },
    }),
  ),
});

/** What processes of one cluster ask of each other, by way of the main process. */
export type BetweenProcesses = 'requestsElsewhere' | 'cancelElsewhere' | 'endedElsewhere';

type ToldView = Message<typeof view>;

/** Of a process that only reads: its requests that are over. Whoever shows and counts them is the cluster's own process. */
const endedCall = object({ requests: list(view, viewsMax) });
export type EndedElsewhereCall = Message<typeof endedCall>;
/** @throws ProtocolError */
export const readEndedElsewhere = reader('endedElsewhere', endedCall);

/** Of the cluster's own process: what runs in others, or has ended there without that it was told. */
const listCall = object({});
/** @throws ProtocolError */
export const readListElsewhere = reader('requestsElsewhere', listCall);

/** One that only reads is to end what has this client request id. `principal`: only what this one has sent; absent: whoever has. */
const cancelCall = object({
  clientRequestId: text(shownTextUnitsMax),
  principal: Type.Optional(text(shownTextUnitsMax)),
});
export type CancelElsewhereCall = Message<typeof cancelCall>;
/** @throws ProtocolError */
export const readCancelElsewhere = reader('cancelElsewhere', cancelCall);

/** What a process that only reads answers. */
export const shownRequestsReply = outcome('listed', { requests: list(view, viewsMax) });
export const cancelRequestReply = outcome('cancelled', { count });
export type ShownRequests = Omit<Message<typeof shownRequestsReply>, 'outcome'>;

/** As commands show it. */
export const viewOf = ({ startedOn, ended, ...others }: ToldView): RequestView => ({
  ...others,
  startedOn: instant(startedOn),
  ...(ended && { ended: { ...ended, on: instant(ended.on) } }),
});
