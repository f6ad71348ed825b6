import type { JsonObject } from '../../base/json.ts';
import { textMember } from '../../base/json.ts';
import type { ArmReader } from './arm-reader.ts';
import { writtenRows } from './resource-rows.ts';
import type { WrittenType } from './resource-rows.ts';

/** A resource as the resource manager shows it, with what lies below it. */
export interface Found {
  readonly resource: JsonObject;
  /** Keys of a vault, databases of a cluster. */
  readonly children: readonly Found[];
  /** Of a cluster or database: who has which role of Data Explorer. */
  readonly assignments: readonly JsonObject[];
}

/** All that there is in a resource group. */
export interface Gathered {
  readonly id: string;
  readonly identities: readonly JsonObject[];
  readonly vaults: readonly Found[];
  readonly clusters: readonly Found[];
  readonly roleAssignments: readonly JsonObject[];
  /** Of types that are not written. */
  readonly others: readonly JsonObject[];
}

const listVersion = '2021-04-01';
const version = (type: WrittenType): string => writtenRows[type].apiVersion;

/** @param id of the group @throws UserError when a read is refused */
export async function gather(reader: ArmReader, id: string): Promise<Gathered> {
  const listed = await reader.list(`${id}/resources`, listVersion);
  const resources = new Map<string, JsonObject[]>();
  const others: JsonObject[] = [];
  for (const one of listed) {
    const type = topTypes.find((known) => known.toLowerCase() === textMember(one, 'type').toLowerCase());
    const whole = type === undefined ? undefined : await reader.get(textMember(one, 'id'), version(type));
    if (type === undefined) others.push(one);
    else if (whole !== undefined) resources.set(type, [...(resources.get(type) ?? []), whole]);
  }
  const of = (type: (typeof topTypes)[number]): readonly JsonObject[] => resources.get(type) ?? [];
  const roles = 'Microsoft.Authorization/roleAssignments';
  const granted = await reader.list(`${id}/providers/${roles}`, version(roles));
  return {
    ...{ id, others, identities: of('Microsoft.ManagedIdentity/userAssignedIdentities') },
    vaults: await inTurn(of('Microsoft.KeyVault/vaults'), (vault) => gatherVault(reader, vault)),
    clusters: await inTurn(of('Microsoft.Kusto/clusters'), (cluster) => gatherCluster(reader, cluster)),
    roleAssignments: granted.filter(({ properties }) => isWithin(properties, id)),
  };
}

const topTypes = [
  'Microsoft.ManagedIdentity/userAssignedIdentities',
  'Microsoft.KeyVault/vaults',
  'Microsoft.Kusto/clusters',
] as const satisfies readonly WrittenType[];

function isWithin(properties: JsonObject[string], groupId: string): boolean {
  const scope = textMember(properties as JsonObject | undefined, 'scope').toLowerCase();
  return scope === groupId.toLowerCase() || scope.startsWith(`${groupId.toLowerCase()}/`);
}

async function gatherVault(reader: ArmReader, resource: JsonObject): Promise<Found> {
  const keys = `${textMember(resource, 'id')}/keys`;
  const listed = await reader.list(keys, version('Microsoft.KeyVault/vaults/keys'));
  const children = await inTurn(listed, async (item) => {
    const path = `${keys}/${textMember(item, 'name')}`;
    const key = await reader.get(path, version('Microsoft.KeyVault/vaults/keys'));
    return { resource: key ?? item, children: [], assignments: [] };
  });
  return { resource, children, assignments: [] };
}

async function gatherCluster(reader: ArmReader, resource: JsonObject): Promise<Found> {
  const id = textMember(resource, 'id');
  const kusto = version('Microsoft.Kusto/clusters');
  const listed = await reader.list(`${id}/databases`, kusto);
  const children = await inTurn(listed, async (database) => {
    const name = encodeURIComponent(textMember(database, 'name').split('/').at(-1) ?? '');
    const assignments = await reader.list(`${id}/databases/${name}/principalAssignments`, kusto);
    return { resource: database, children: [], assignments };
  });
  return { resource, children, assignments: await reader.list(`${id}/principalAssignments`, kusto) };
}

async function inTurn<From, To>(items: readonly From[], work: (item: From) => Promise<To>): Promise<readonly To[]> {
  const made: To[] = [];
  for (const item of items) made.push(await work(item));
  return made;
}
