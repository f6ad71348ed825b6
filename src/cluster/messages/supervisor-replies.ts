import { Type } from '@sinclair/typebox';
import { extentReply, inventoryReply } from './inventory.ts';
import { keyReplies } from './key-replies.ts';
import type { Message } from './message.ts';
import { number, outcome, reader } from './message.ts';
import { restReply } from './rest.ts';
import { flushReply } from './flush.ts';
import { endedRequestsReply } from './ended-requests.ts';
import { cancelRequestReply, shownRequestsReply } from './requests-elsewhere.ts';
import { rowsReply } from './rows.ts';
import { scriptReply } from './scripts.ts';
import type { SupervisorCall } from './supervisor-calls.ts';
import { upkeepReply } from './upkeep.ts';

/** What a process answers to each call of its supervisor. */
const supervisorReplies = {
  ...keyReplies,
  configure: outcome('ready', {}),
  serveData: outcome('listening', {}),
  serveLocalhost: outcome('listening', {}),
  inventory: inventoryReply,
  findExtent: extentReply,
  upkeep: upkeepReply,
  rest: restReply,
  putBack: outcome('done', {}),
  databaseBytes: Type.Union([outcome('known', { bytes: number }), outcome('notOpen', {})]),
  runScript: scriptReply,
  addRows: rowsReply,
  endedRequests: endedRequestsReply,
  shownRequests: shownRequestsReply,
  cancelRequest: cancelRequestReply,
  endedElsewhere: outcome('taken', {}),
  flushQueue: flushReply,
  drain: outcome('drained', {}),
  shutDown: outcome('told', {}),
};

type Schemas = typeof supervisorReplies;
export type SupervisorReplies = { readonly [Call in SupervisorCall]: Message<Schemas[Call]> };

/** Reads what a process answers: the supervisor believes no process blindly. @throws ProtocolError */
export const readReply = Object.fromEntries(
  Object.entries(supervisorReplies).map(([call, schema]) => [call, reader(call, schema)]),
) as { readonly [Call in SupervisorCall]: (value: unknown) => SupervisorReplies[Call] };
