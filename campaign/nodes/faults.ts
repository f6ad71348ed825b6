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
  'nodes cut off from the serving one': async ({ fleet, random }) => {
    const { others } = fleet.serving;
    others.set(random.of(['cut', 'silent'] as const));
    await pause(1_000 + random.below(2_000));
    others.set('open');
  },
  'database crashes': ({ fleet }) => fleet.postgres.restart(),
};

/** The classic: it is sent rows while it sleeps, and wakes when another has served for a while. */
async function pausedServing(scene: Scene): Promise<void> {
  const { fleet, clients, acknowledged } = scene;
  const node = fleet.serving;
  const port = node.target?.port ?? 0;
  const connections = await Promise.all(
    Array.from({ length: 3 }, () => clients.keptConnection(port).catch(() => undefined)),
  );
  const [first, second, third] = connections.filter((connection) => connection?.isOpen === true);
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
  for (const connection of connections) connection?.close();
}

const takenOver = ({ fleet, until }: Scene, from: FleetNode): Promise<void> =>
  until(`takeover from ${from.name}`, () => fleet.serving !== from && fleet.serving.isUp);

const standby = ({ fleet, random }: Scene): FleetNode =>
  random.of(fleet.nodes.filter((node) => node !== fleet.serving));
