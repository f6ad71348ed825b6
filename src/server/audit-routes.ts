import type { FastifyInstance } from 'fastify';
import type { AuditLog } from '../audit/audit-log.ts';
import { azureEvent } from '../audit/azure-event.ts';
import type { EventFilter } from '../audit/find-events.ts';
import { findEvents, matches, newestEvents } from '../audit/find-events.ts';
import type { NumberedEvent } from '../audit/audit-event.ts';
import type { ChainReport } from '../audit/verify-chain.ts';
import { verifyChain } from '../audit/verify-chain.ts';
import type { Json, JsonObject } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import { SealedRecordError } from '../state/record-seal.ts';
import type { State } from '../state/state.ts';
import { ControlError } from './control-plane.ts';
import { wholeNumber } from './query-values.ts';

/** An event as the control API shows it. */
export interface ShownEvent {
  readonly sequence: number;
  /** In Azure's schema. */
  readonly event: JsonObject;
}

export interface ShownEvents {
  readonly events: readonly ShownEvent[];
  /** Go on with `after`; missing at the end. */
  readonly next?: number;
}

/** A check of the whole log that goes on, or has ended. */
export interface AuditCheck {
  readonly read: number;
  readonly of: number;
  readonly report?: ChainReport;
  /** Why it could not be made. */
  readonly failure?: string;
}

interface EventQuery {
  readonly vault?: string;
  readonly resource?: string;
  readonly operation?: string;
  readonly from?: string;
  readonly to?: string;
  readonly after?: string;
  readonly last?: string;
}

const eventsPerAnswer = 1_000;

/** `GET /audit/events`: the newest ones with `last`, else page by page. `POST /audit/check` begins a check, `GET /audit/check` says how far it is. */
export const auditRoutes =
  (state: State, audit: Pick<AuditLog, 'settle'>) =>
  (app: FastifyInstance): void => {
    let check: AuditCheck | undefined;
    app.get<{ Querystring: EventQuery }>('/audit/events', async ({ query }): Promise<ShownEvents> => {
      const filter = filterOf(query);
      await audit.settle(); // what the server asked by itself is there, too
      if (query.last !== undefined) {
        const count = wholeNumber('last', query.last, eventsPerAnswer);
        const { events } = await newestEvents(state, (event) => matches(event, filter), { count, from: filter.from });
        return { events: events.toReversed().map(shown) };
      }
      const after = query.after === undefined ? 0 : wholeNumber('after', query.after, Number.MAX_SAFE_INTEGER);
      const found = await findEvents(state, filter, { after, limit: eventsPerAnswer });
      return { ...found, events: found.events.map(shown) };
    });
    app.post<{ Body: Json | undefined }>('/audit/check', async ({ body }, reply) => {
      if (check !== undefined && check.report === undefined && check.failure === undefined)
        throw new ControlError(409, 'CheckRunning', 'The audit log is being checked already: wait for its end.');
      const known = knownPoint(isJsonObject(body) ? body['known'] : undefined);
      check = { read: 0, of: 0 };
      await audit.settle();
      const progress = (read: number, of: number): void => void (check = { read, of });
      void verifyChain(state, { ...(known === undefined ? {} : { known }), progress }).then(
        (report) => (check = { read: report.events, of: report.events, report }),
        (error: unknown) => (check = { read: 0, of: 0, failure: failureText(error) }),
      );
      return reply.code(202).send(check);
    });
    app.get('/audit/check', () => {
      if (check === undefined) throw new ControlError(404, 'NoCheck', 'The audit log was not checked since the start.');
      return check;
    });
  };

const shown = ({ sequence, event }: NumberedEvent): ShownEvent => ({ sequence, event: azureEvent(event) });

function filterOf({ vault, resource, operation, from, to }: EventQuery): EventFilter {
  return {
    ...(vault === undefined ? {} : { vault }),
    ...(resource === undefined ? {} : { resource }),
    ...(operation === undefined ? {} : { operation }),
    ...(from === undefined ? {} : { from: isoTime('from', from) }),
    ...(to === undefined ? {} : { to: isoTime('to', to) }),
  };
}

function isoTime(name: string, text: string): string {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new ControlError(400, 'InvalidTime', `'${name}' is a time in ISO 8601.`);
  return new Date(time).toISOString();
}

function knownPoint(value: Json | undefined): { readonly next: number; readonly hash: string } | undefined {
  if (value === undefined) return undefined;
  const [, next, hash] = (typeof value === 'string' && /^(\d{1,15}):([0-9a-f]{64})$/.exec(value)) || [];
  if (next === undefined || hash === undefined)
    throw new ControlError(400, 'InvalidPoint', "A point of the log is '{number}:{64 hexadecimal digits}'.");
  return { next: Number(next), hash };
}

const failureText = (error: unknown): string =>
  error instanceof SealedRecordError ? error.message : 'The audit log could not be read; the server log says why.';
