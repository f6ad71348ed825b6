import type { RootKeyStatus } from '../../server/root-key-routes.ts';
import { findInstance } from '../control-client.ts';
import { dataDirectoryOf } from '../options.ts';
import type { InstanceStatus } from '../status.ts';
import { rootKeyOf } from '../status.ts';

type LocalState = Pick<InstanceStatus, 'rootKey' | 'state'>;

/** Of the Kustody that this program was pointed at: where it keeps its root key, and its state, if that is not in its data directory, with
 * whether a failover of it loses what was acknowledged. @returns undefined on Azure, and where there is none */
export async function localState(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<LocalState | undefined> {
  const data = environment['KUSTODY_DATA_DIR'];
  if (data === undefined || environment['KUSTODY_CONTROL'] === undefined) return undefined;
  const client = await findInstance(dataDirectoryOf({ data }));
  if (client === undefined) return undefined;
  // Both ends are of this package.
  const { state } = (await client.call('GET', '/status')) as InstanceStatus;
  const rootKey = rootKeyOf((await client.call('GET', '/root-key')) as RootKeyStatus);
  return { rootKey, ...(state && { state }) };
}
