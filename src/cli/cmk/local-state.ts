import { findInstance } from '../control-client.ts';
import { dataDirectoryOf } from '../options.ts';
import type { InstanceStatus } from '../status.ts';

type LocalState = NonNullable<InstanceStatus['state']>;

/** Where the Kustody that this program was pointed at keeps its state, if not in its data directory: whether a failover of it loses what was
 * acknowledged. @returns undefined on Azure, and where there is none */
export async function localState(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<LocalState | undefined> {
  const data = environment['KUSTODY_DATA_DIR'];
  if (data === undefined || environment['KUSTODY_CONTROL'] === undefined) return undefined;
  const client = await findInstance(dataDirectoryOf({ data }));
  // Both ends are of this package.
  return client === undefined ? undefined : ((await client.call('GET', '/status')) as InstanceStatus).state;
}
