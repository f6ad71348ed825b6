import { instant, toIso } from '../clock/clock.ts';
import type { ToldRequest } from '../cluster/messages/ended-requests.ts';
import type { ToldEvent } from '../providers/insights/request-deliveries.ts';

/** A request as an event of the categories Query and Command. @see Kusto "Monitor Azure Data Explorer with diagnostic logs" */
export function toldEvent(request: ToldRequest): ToldEvent {
  const category = request.kind === 'query' ? 'Query' : 'Command';
  const { usage } = request;
  return {
    sequence: request.sequence,
    endedAtMs: request.endedAtMs,
    category,
    event: {
      time: toIso(instant(request.endedOn)),
      operationName: `MICROSOFT.KUSTO/CLUSTERS/${category.toUpperCase()}/ACTION`,
      category,
      correlationId: request.clientRequestId,
      rootActivityId: request.activityId,
      application: request.application,
      principal: request.principal,
      user: request.user,
      database: request.database,
      text: request.text,
      state: request.state,
      failure: request.failure,
      startedOn: toIso(instant(request.startedOn)),
      duration: timespanOf(request.milliseconds),
      workloadGroup: request.workloadGroup,
      commandType: request.commandType,
      ...(usage === undefined
        ? {}
        : {
            usage: {
              ...usage.scanned,
              tableCount: usage.tables.length,
              tables: usage.tables.map(({ rows, bytes }) => ({ RowCount: rows, TableSize: bytes })),
            },
          }),
    },
  };
}

/** `00:00:00.0156250`, with days before a dot where there are any. */
function timespanOf(milliseconds: number): string {
  const ticks = Math.max(0, Math.round(milliseconds * 10_000));
  const seconds = Math.floor(ticks / 10_000_000);
  const part = (value: number, digits = 2): string => String(value).padStart(digits, '0');
  const days = Math.floor(seconds / 86_400);
  const time = [Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60, seconds % 60].map((one) => part(one));
  const fraction = ticks % 10_000_000;
  return `${days === 0 ? '' : `${days}.`}${time.join(':')}${fraction === 0 ? '' : `.${part(fraction, 7)}`}`;
}
