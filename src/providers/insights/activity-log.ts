import { activityLogEvent } from '../../audit/activity-log-event.ts';
import type { AdministrativeFacts, AuditEvent } from '../../audit/audit-event.ts';
import { newestEvents } from '../../audit/find-events.ts';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { armErrors } from '../../arm/arm-errors.ts';
import { nextLink, parseSkipToken } from '../../arm/paging.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Clock } from '../../clock/clock.ts';
import type { State } from '../../state/state.ts';
import type { ActivityFilter } from './activity-filter.ts';
import { parseActivityFilter } from './activity-filter.ts';

export interface ActivityLogDependencies {
  readonly state: State;
  readonly clock: Pick<Clock, 'now'>;
}

const eventsPerPage = 200;
/** Events of the whole log that one answer looks at; the next page goes on. */
const eventsLookedAt = 50_000;

/** Those of the service. Others than Administrative stand there for clients that ask; no event of theirs is recorded here. */
const categories = ['Administrative', 'Security', 'ServiceHealth', 'Alert', 'Recommendation', 'Policy'];

export function activityLogOperations(deps: ActivityLogDependencies): readonly ArmOperation[] {
  return [
    {
      id: 'ActivityLogs_List',
      method: 'GET',
      path: '/subscriptions/{subscriptionId}/providers/Microsoft.Insights/eventtypes/management/values',
      action: 'Microsoft.Insights/eventtypes/values/read',
      handle: (request) => list(deps, request),
    },
    {
      id: 'TenantActivityLogs_List',
      method: 'GET',
      path: '/providers/Microsoft.Insights/eventtypes/management/values',
      action: 'Microsoft.Insights/eventtypes/values/read',
      handle: (request) => list(deps, request),
    },
    {
      id: 'EventCategories_List',
      method: 'GET',
      path: '/providers/Microsoft.Insights/eventcategories',
      action: null,
      handle: () =>
        Promise.resolve({
          status: 200,
          body: { value: categories.map((value) => ({ value, localizedValue: value })) },
        }),
    },
  ];
}

/** Of one subscription; without one, what was done above all of them in the caller's tenant. */
async function list({ state, clock }: ActivityLogDependencies, request: ArmRequest): Promise<ArmReply> {
  const filter = parseActivityFilter(request.query.get('$filter'), clock.now());
  const select = selected(request.query.get('$select'));
  const before = placeOf(request);
  const subscriptionId = request.params['subscriptionId']?.toLowerCase();
  const page = await newestEvents(
    state,
    (event) =>
      event.facts.kind === 'administrative' &&
      event.facts.subscriptionId === subscriptionId &&
      (subscriptionId !== undefined || event.facts.tenantId === request.caller.tenantId) &&
      isWanted(event, event.facts, filter),
    {
      ...{ count: eventsPerPage, lookedAt: eventsLookedAt, from: filter.from },
      ...(before === undefined ? {} : { before }),
    },
  );
  const value = page.events.flatMap(({ event }) =>
    event.facts.kind === 'administrative' ? [select(activityLogEvent(event, event.facts))] : [],
  );
  return {
    status: 200,
    body: {
      value,
      ...(page.before === undefined ? {} : { nextLink: nextLink(request, String(page.before), '$skipToken') }),
    },
  };
}

function isWanted({ time, correlationId }: AuditEvent, facts: AdministrativeFacts, filter: ActivityFilter): boolean {
  if (time < filter.from || time > filter.to) return false;
  const { caller } = facts;
  const own: Readonly<Record<keyof ActivityFilter['equal'], string>> = {
    resourceGroupName: facts.resourceGroupName ?? '',
    resourceUri: facts.resourceId,
    resourceProvider: facts.resourceProvider,
    correlationId,
    caller: caller.principalName ?? caller.appId ?? caller.objectId,
    status: facts.status,
  };
  return Object.entries(filter.equal).every(
    ([name, wanted]) => own[name as keyof typeof own].toLowerCase() === wanted.toLowerCase(),
  );
}

/** Names of members of an event. */
const members: ReadonlySet<string> = new Set([
  ...['authorization', 'caller', 'channels', 'claims', 'correlationId', 'description', 'eventDataId', 'eventName'],
  ...['category', 'eventTimestamp', 'id', 'level', 'operationId', 'operationName', 'resourceGroupName'],
  ...['resourceProviderName', 'resourceType', 'resourceId', 'status', 'subStatus', 'submissionTimestamp'],
  ...['subscriptionId', 'tenantId', 'httpRequest', 'properties', 'relatedEvents'],
]);

/** @throws ArmError 400 for a name that no event has */
function selected(text: string | undefined): (event: JsonObject) => JsonObject {
  if (text === undefined || text === '') return (event) => event;
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  const wanted = [...members].filter((name) => names.includes(name.toLowerCase()));
  const unknown = names.find((name) => !wanted.some((one) => one.toLowerCase() === name));
  if (unknown !== undefined)
    throw armErrors.InvalidQueryParameter('$select', `an event has no '${unknown.slice(0, 100)}'.`);
  return (event) => Object.fromEntries(wanted.flatMap((name) => (name in event ? [[name, event[name]]] : [])));
}

/** @throws ArmError 400 */
function placeOf(request: ArmRequest): number | undefined {
  const text = parseSkipToken(request);
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw armErrors.InvalidContinuationToken();
  return Number(text);
}
