import { machineTime } from '../clock/host-time.ts';
import { createReaderDoor } from '../cluster/supervisor/plane/reader-door.ts';
import type { EdgeOptions } from '../http/edge.ts';
import type { NodeCredentials } from '../http/node-authority.ts';
import { createNodeIdentity } from '../http/node-authority.ts';
import { startSystemTimer } from '../http/timer.ts';
import { isLive } from '../state/formats/state-formats.ts';
import { readSealedRecord } from '../state/sealed/read-record.ts';
import { nodeAuthorityTable, openNodeAuthority, rootId } from './authority.ts';
import type { NodeKeys } from './node-keys.ts';
import type { Planes } from './planes.ts';
import type { RootKeys } from './root-key-beside.ts';
import type { ServerParts } from './server-parts.ts';
import type { WaitingNode } from './state-place.ts';
import { version } from './version.ts';

/** The node that serves has not made it: it lets nobody read, or is of an earlier version. */
export class NoNodeAuthorityError extends Error {
  override readonly name = 'NoNodeAuthorityError';
  constructor() {
    super('The state has no authority of nodes: the node that serves lets no other one read.');
  }
}

/** Certificates, unlike tokens, go by the machine's clock. */
const time = { wallClock: () => machineTime.now(), monotonicMs: () => machineTime.monotonic() };

/** @param self known once this node waits
 * @returns what a node that stands by proves with, under the root that the state holds then */
export function nodeThatWaits(self: () => WaitingNode | undefined, keys: RootKeys): () => Promise<NodeCredentials> {
  let identity: (() => Promise<NodeCredentials>) | undefined;
  const authority = async () => {
    const read = self()?.read;
    const root = read && (await readSealedRecord(read, keys, nodeAuthorityTable, rootId));
    if (root === undefined) throw new NoNodeAuthorityError();
    return root;
  };
  return () => {
    const node = self()?.id;
    if (node === undefined) return Promise.reject(new NoNodeAuthorityError());
    identity ??= createNodeIdentity({ authority, node, role: 'client', ...time });
    return identity();
  };
}

/** Where nodes may read, processes of theirs come in at the same port. @param node what this one is known by */
export async function readersOf(
  { settings: { reads }, state, format, clocks: { monotonic }, log }: ServerParts,
  { openReader }: Planes,
  node: string | undefined,
  keys: NodeKeys,
): Promise<Pick<NonNullable<EdgeOptions['nodes']>, 'readers'>> {
  if (reads !== true || node === undefined) return {};
  const root = await openNodeAuthority(state, time.wallClock);
  const take = createReaderDoor({
    ...{ openReader, monotonic, startTimer: startSystemTimer, log, version },
    own: createNodeIdentity({ authority: () => Promise.resolve(root), node, role: 'server', ...time }),
    registered: async () =>
      new Set((await format.nodes()).flatMap((one) => (one.id !== undefined && isLive(one) ? [one.id] : []))),
    wallMs: time.wallClock,
  });
  return {
    readers: (socket, key) => {
      keys.outlivesNot(key, socket);
      take(socket);
    },
  };
}
