import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import type { AzureCalls } from '../azure-calls.ts';
import type { InstanceEnvironment } from '../instance-environment.ts';
import { SeedFilesError } from '../seed-error.ts';
import { presets } from './schema.ts';
import type { SeedPlan } from './seed-plan.ts';
import type { PlanPath } from './schema.ts';

/** What the steps of one seed share. */
export interface Seeding {
  readonly environment: InstanceEnvironment;
  readonly plan: SeedPlan;
  readonly calls: AzureCalls;
  /** Hears of each step that may take its time. */
  readonly begin: (what: string) => void;
  /** Hears what people should know. Never a secret. */
  readonly say: (text: string) => void;
}

export const versions = {
  resources: '2024-11-01',
  identities: '2023-01-31',
  vaults: '2023-02-01',
  keys: '7.4',
  kusto: '2024-04-13',
  authorization: '2022-04-01',
} as const;

/** Does one step of the file. @throws SeedFilesError with the place in the file and the service's own words */
export async function step<T>({ plan }: Seeding, path: PlanPath, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SeedFilesError) throw error;
    throw new SeedFilesError(`${plan.place(path)}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export const locationOf = ({ plan }: Seeding, entry: { readonly location?: string }): string =>
  entry.location ?? plan.document.location ?? presets.location;

export const subscriptionId = ({ environment }: Seeding): string => `/subscriptions/${environment.subscriptionId}`;
export const groupId = (seeding: Seeding): string =>
  `${subscriptionId(seeding)}/resourceGroups/${seeding.plan.document.resourceGroup ?? presets.resourceGroup}`;
const resourceId = (seeding: Seeding, type: string, name: string): string =>
  `${groupId(seeding)}/providers/${type}/${name}`;
export const identityId = (seeding: Seeding, name: string): string =>
  resourceId(seeding, 'Microsoft.ManagedIdentity/userAssignedIdentities', name);
export const vaultId = (seeding: Seeding, name: string): string =>
  resourceId(seeding, 'Microsoft.KeyVault/vaults', name);
export const clusterId = (seeding: Seeding, name: string): string =>
  resourceId(seeding, 'Microsoft.Kusto/clusters', name);

export const propertiesOf = (resource: JsonObject | undefined): JsonObject => {
  const properties = resource?.['properties'];
  return isJsonObject(properties) ? properties : {};
};

/** Tells where what is there is other than the file has it now: it stays as it is.
 * @param held by member of the file, as the service shows it; compared without case */
export function tellKept(
  { plan, say }: Seeding,
  path: PlanPath,
  entry: Readonly<Record<string, unknown>>,
  held: Readonly<Record<string, Json | undefined>>,
): void {
  for (const [name, value] of Object.entries(held)) {
    const wanted = entry[name];
    if (wanted === undefined || shown(wanted).toLowerCase() === shown(value).toLowerCase()) continue;
    say(`${plan.place([...path, name])}: it has ${shown(value)} there, and keeps it.\n`);
  }
}

const shown = (value: unknown): string =>
  value === undefined || value === null ? 'none' : JSON.stringify(value).replaceAll('"', '');

/** A name that follows from what it stands for, so that repeating the request makes no second one. */
export function guidOf(...parts: readonly string[]): string {
  const hex = createHash('sha256').update(parts.join('\n').toLowerCase()).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const settleMs = 60_000;
const pollMs = 100;

/** Waits until a resource has no operation under way. @returns the resource
 * @throws Error when the operation failed, or goes on for a minute of real time */
export async function settled({ calls }: Seeding, id: string): Promise<JsonObject> {
  const until = performance.now() + settleMs;
  for (;;) {
    const found = (await calls.arm('GET', id, versions.kusto)) ?? {};
    const state = textMember(propertiesOf(found), 'provisioningState');
    if (state === 'Succeeded') return found;
    if (state === 'Failed') throw new Error('its last operation failed.');
    if (performance.now() > until) throw new Error(`is still ${state} after ${settleMs / 1000} s.`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
