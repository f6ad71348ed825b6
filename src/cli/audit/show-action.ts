import type { JsonObject } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import type { ShownEvent } from '../../server/audit-routes.ts';
import { requireInstance } from '../control-client.ts';
import { dataDirectoryOf } from '../options.ts';
import { textTable } from '../text-table.ts';
import { whileWaiting } from '../waiting.ts';
import type { FilterOptions } from './event-query.ts';
import { askEvents } from './event-query.ts';

export async function showEvents(
  options: FilterOptions & { readonly last: number; readonly json: boolean },
): Promise<void> {
  const client = await requireInstance(dataDirectoryOf(options));
  const { events } = await whileWaiting((begin) => {
    begin('reading the audit log');
    return askEvents(client, options, { last: String(options.last) });
  });
  if (options.json) process.stdout.write(`${JSON.stringify({ events }, undefined, 2)}\n`);
  else if (events.length === 0) process.stdout.write('There are no such events.\n');
  else process.stdout.write(`${textTable(['time', 'who', 'operation', 'on', 'result'], events.map(rowOf))}\n`);
}

function rowOf({ event }: ShownEvent): readonly string[] {
  if (event['category'] === 'AuditEvent') return vaultRow(event);
  return typeof event['operationName'] === 'string' ? ownRow(event) : administrativeRow(event);
}

const member = (object: JsonObject | undefined, name: string): JsonObject | undefined => {
  const value = object?.[name];
  return isJsonObject(value) ? value : undefined;
};

function vaultRow(event: JsonObject): readonly string[] {
  const claim = member(member(event, 'identity'), 'claim');
  const upn = textMember(claim, 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn');
  const objectId = textMember(claim, 'http://schemas.microsoft.com/identity/claims/objectidentifier');
  const description = textMember(event, 'resultDescription');
  return [
    textMember(event, 'time'),
    upn || textMember(claim, 'appid') || objectId,
    textMember(event, 'operationName'),
    textMember(member(event, 'properties'), 'id'),
    description === '' ? textMember(event, 'resultSignature') : description,
  ];
}

/** Roles and exports of the data plane, copies of the instance and its root key: shapes of our own. What one is about stands in its properties. */
function ownRow(event: JsonObject): readonly string[] {
  const claim = member(member(event, 'identity'), 'claim');
  const named =
    textMember(claim, 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn') || textMember(claim, 'name');
  const objectId = textMember(claim, 'http://schemas.microsoft.com/identity/claims/objectidentifier');
  const about = Object.entries(member(event, 'properties') ?? {}).flatMap(([name, value]) =>
    name === 'rootActivityId' ? [] : [`${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`],
  );
  const resourceId = textMember(event, 'resourceId');
  return [
    textMember(event, 'time'),
    named || textMember(claim, 'appid') || objectId,
    textMember(event, 'operationName'),
    [...(resourceId === '' ? [] : [resourceId]), ...about].join('\n'),
    textMember(event, 'resultType'),
  ];
}

function administrativeRow(event: JsonObject): readonly string[] {
  const status = textMember(member(event, 'status'), 'value');
  const code = textMember(member(event, 'subStatus'), 'value');
  return [
    textMember(event, 'eventTimestamp'),
    textMember(event, 'caller'),
    textMember(member(event, 'operationName'), 'value'),
    textMember(event, 'resourceId'),
    code === '' ? status : `${status}: ${code}`,
  ];
}
