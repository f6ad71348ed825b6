import { setTimeout as pause } from 'node:timers/promises';
import type { Clients } from './clients.ts';
import { tables } from './clients.ts';
import type { Fleet, FleetNode } from './fleet.ts';
import type { Random } from './random.ts';

export interface Scene {
  readonly fleet: Fleet;
  readonly clients: Clients;
  readonly random: Random;
  /** Until rows are acknowledged that were sent from now on, or it is over. @throws Error when they never are */
  readonly acknowledged: (over?: AbortSignal) => Promise<void>;
  /** @throws Error when it never holds, with what is known of why */
  readonly until: (what: string, holds: () => boolean, why?: () => string) => Promise<void>;
}

/** What goes wrong; each comes to its end, and undoes what it did. */
export const faults: Readonly<Record<string, (scene: Scene) => Promise<void> | void>> = {
  'serving node killed': ({ fleet }) => {
    fleet.serving.signal('SIGKILL');
  },
  'standby killed': (scene) => {
    standby(scene).signal('SIGKILL');
  },
  'serving node paused': pausedServing,
  'standby paused': async (scene) => {
    const node = standby(scene);
    node.signal('SIGSTOP');
    await pause(500 + scene.random.below(2_000));
    node.signal('SIGCONT');
  },
  'serving node without database': async (scene) => {
    const { fleet, random } = scene;
    const node = fleet.serving;
    node.database.set(random.of(['cut', 'silent'] as const));
    await takenOver(scene, node);
    node.database.set('open');
  },
  'standby without database': async (scene) => {
    const node = standby(scene);
    node.database.set(scene.random.of(['cut', 'silent'] as const));
    await pause(1_000 + scene.random.below(2_000));
    node.database.set('open');
  },
  'blobs away': async ({ fleet, random }) => {
    fleet.blobs.isOpen = false;
    await pause(500 + random.below(2_000));
    fleet.blobs.isOpen = true;
  },
  'serving node without blobs': async ({ fleet, until }) => {
    const { blobs, serving } = fleet;
    const before = blobs.refusals;
    blobs.refused = serving.blobsMark;
    await until('request for blobs that is cut off', () => blobs.refusals > before);
    blobs.refused = undefined;
  },
  'serving node killed beside one without blobs': async (scene) => {
    const { fleet, random, until } = scene;
    const { serving } = fleet;
    fleet.blobs.refused = random.of(fleet.nodes.filter((node) => node !== serving)).blobsMark;
    const since = performance.now();
    serving.signal('SIGKILL');
    await until('takeover by one that has blobs', () => (fleet.serving.servesSince ?? 0) > since);
    fleet.blobs.refused = undefined;
  },
  'serving node killed beside a paused one': async (scene) => {
    const { fleet, until } = scene;
    const node = standby(scene);
    const since = performance.now();
    fleet.serving.signal('SIGKILL');
    await pause(1_500); // one of those that are left has the lock of the state by then, and waits
    node.signal('SIGSTOP');
    await until(
      'takeover by one that is not paused',
      () => (fleet.serving.servesSince ?? 0) > since,
      () => fleet.nodes.map((one) => one.lastSaid()).join('\n'),
    );
    node.signal('SIGCONT');
  },
  'nodes cut off from the serving one': async ({ fleet, random }) => {
    const { others } = fleet.serving;
    others.set(random.of(['cut', 'silent'] as const));
    await pause(1_000 + random.below(2_000));
    others.set('open');
  },
  'database crashes': ({ fleet }) => fleet.postgres.restart(),
  'database fails over': ({ fleet }) => fleet.failOver(),
};

/** The classic: it is sent rows while it sleeps, and wakes when another has served for a while. */
async function pausedServing(scene: Scene): Promise<void> {
  const { fleet, acknowledged } = scene;
  const node = fleet.serving;
  const connections = await keptConnections(scene, node.target?.port ?? 0);
  const [first, second, third] = connections;
  node.signal('SIGSTOP');
  const [table = '', other = ''] = scene.random.shuffled(tables);
  const late = [first?.ingestLate('late', table), second?.ingestLate('late', other)];
  await takenOver(scene, node);
  await acknowledged();
  const stale = third?.read('late', table);
  node.signal('SIGCONT');
  await scene.until(
    `end of the paused ${node.name}`,
    () => node.servesSince === undefined,
    () => node.lastSaid(),
  );
  for (const one of [...late, stale]) await one;
  for (const connection of connections) connection.close();
}

/** Three to the process of the cluster, which has its key now. */
async function keptConnections({ clients, acknowledged }: Scene, port: number) {
  for (;;) {
    const opened = await Promise.all(
      Array.from({ length: 3 }, () => clients.keptConnection(port).catch(() => undefined)),
    );
    const kept = opened.flatMap((connection) => (connection?.isOpen === true ? [connection] : []));
    if (kept.length === opened.length) return kept;
    for (const connection of opened) connection?.close();
    await acknowledged();
  }
}

const takenOver = ({ fleet, until }: Scene, from: FleetNode): Promise<void> =>
  until(`takeover from ${from.name}`, () => fleet.serving !== from && fleet.serving.isUp);

const standby = ({ fleet, random }: Scene): FleetNode =>
  random.of(fleet.nodes.filter((node) => node !== fleet.serving));
