import { fastify } from 'fastify';
import { expect, it } from 'vitest';
import type { AuditedCommit } from '../audit/audit-log.ts';
import { newGuid } from '../base/new-guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import { instant } from '../clock/clock.ts';
import { silentLog } from '../http/logging.ts';
import { MemoryStateStore } from '../state/memory/memory-state-store.ts';
import { RootKey } from '../state/root-key.ts';
import { SealedState } from '../state/sealed/sealed-state.ts';
import { until } from '../../tests/support/until.ts';
import { ControlError } from './control-plane.ts';
import type { Instance } from './instance.ts';
import type { RootKeyStatus } from './root-key-routes.ts';
import { defaultKeySettings } from './settings.ts';
import { createRootKeyRotation } from './root-key-routes.ts';

const [older, newer] = [1, 2].map((byte) => new RootKey(Buffer.alloc(32, byte))) as [RootKey, RootKey];

type Nodes = readonly { host: string; id: string; silentMs: number }[];

/** @param without nodes that do not have all of so many root keys */
async function served(without: (keys: number) => Nodes = () => []) {
  const store = new MemoryStateStore();
  const sealed = await SealedState.open({ store, rootKey: older, randomBytes: systemRandomBytes });
  const asked: string[] = [];
  let placed: Promise<void> | undefined;
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const rotation = createRootKeyRotation({
    ...{ sealed, store, log: silentLog },
    settings: { dataDirectory: '/nowhere', keys: defaultKeySettings },
    placeOf: async () => {
      await placed;
      return { place: 'environment' as const };
    },
    ...{ givenRootKeys: { rootKey: newer, otherRootKey: older }, onRotated: () => ended },
    nodesWithout: (keys) => {
      asked.push(...keys);
      return Promise.resolve(without(keys.length));
    },
  });
  const backups = { running: false };
  const app = fastify();
  app.setErrorHandler((error, _request, reply) =>
    error instanceof ControlError ? reply.code(error.status).send({ code: error.code }) : reply.send(error),
  );
  const told: string[] = [];
  const audit = {
    commit: ({ events }: AuditedCommit): Promise<void> => {
      for (const { facts } of events) told.push(facts.kind === 'rootKey' ? facts.status : facts.kind);
      return Promise.resolve();
    },
  };
  const id = newGuid(systemRandomBytes);
  const instance = { application: { objectId: id, appId: id }, tenantId: id } as unknown as Instance;
  rotation.routes({
    ...{ backups: { isRunning: () => backups.running }, audit, instance },
    clocks: { clock: { now: () => instant(0) } },
  })(app);
  const post = async (url: string) => {
    const answer = await app.inject({
      method: 'POST',
      url,
      payload: { kid: `https://v.vault.azure.net/keys/k/${'1'.repeat(32)}` },
    });
    return [answer.statusCode, answer.json<{ code?: string }>().code];
  };
  const [rotate, rewrap] = [() => post('/root-key/rotate'), () => post('/root-key/rewrap')];
  const status = async () => (await app.inject({ url: '/root-key' })).json<RootKeyStatus>();
  /** Nobody says where a key is kept until the returned function is called. */
  const hold = (): (() => void) => {
    let goOn: () => void = () => undefined;
    placed = new Promise<void>((resolve) => (goOn = resolve));
    return goOn;
  };
  return { sealed, rotation, backups, told, asked, end, rotate, rewrap, status, hold };
}

it('a rotation waits for the backup that is being taken, and keeps others back from its first moment on', async () => {
  const { sealed, rotation, backups, told, end, rotate, status } = await served();
  backups.running = true;
  expect(await rotate()).toEqual([409, 'BackupRunning']);
  expect([rotation.isUnderWay(), sealed.rootKey]).toEqual([false, older]);
  backups.running = false;
  expect(await rotate()).toEqual([202, undefined]);
  expect([rotation.isUnderWay(), await rotate()]).toEqual([true, [409, 'RotationRunning']]);
  end();
  await until(async () => !(await status()).running);
  expect([rotation.isUnderWay(), sealed.rootKey]).toEqual([false, newer]);
  expect(told).toEqual(['Started', 'Succeeded']);
});

it('a rotation does not begin while a node that lives has one of the keys alone, and names it', async () => {
  const { sealed, rotation, asked, told, rotate, status } = await served(() => [
    { host: 'west', id: 'its id', silentMs: 11_200 },
  ]);
  expect(await rotate()).toEqual([202, undefined]);
  await until(async () => !(await status()).running);
  expect((await status()).failure).toMatch(
    /^Not every node that lives has both .*: west \(its id\)\. Start it with both.* was killed counts for 4 seconds more, then try again\.$/,
  );
  expect(asked).toEqual([sealed.nameOf(older), sealed.nameOf(newer)]);
  expect([rotation.isUnderWay(), sealed.rootKey, told]).toEqual([false, older, []]);
});

it('a rotation does not end while a node that joined meanwhile has the old key alone, and goes on when that is gone', async () => {
  let joined: Nodes = [{ host: 'west', id: 'its id', silentMs: 0 }];
  const { sealed, rotation, asked, told, end, rotate, status } = await served((keys) => (keys === 1 ? joined : []));
  await rotate();
  await until(async () => !(await status()).running);
  expect((await status()).failure).toMatch(/^Not every node that lives has the new root key, .*: west \(its id\)\./);
  expect(asked).toEqual([sealed.nameOf(older), sealed.nameOf(newer), sealed.nameOf(newer)]);
  expect([rotation.isUnderWay(), sealed.rootKey, sealed.oldRootKey]).toEqual([true, newer, older]);
  joined = [];
  end();
  await rotate();
  await until(async () => !(await status()).running);
  expect([rotation.isUnderWay(), sealed.rootKey, sealed.oldRootKey]).toEqual([false, newer, undefined]);
  expect(told).toEqual(['Started', 'Failed', 'Started', 'Succeeded']);
});

it('the root key is not wrapped anew while it is rotated or a backup is taken, nor where no vault has wrapped it', async () => {
  let joined: Nodes = [];
  const { rotation, backups, told, end, rotate, rewrap, status, hold } = await served(() => joined);
  backups.running = true;
  expect(await rewrap()).toEqual([409, 'BackupRunning']);
  backups.running = false;
  expect(await rewrap()).toEqual([409, 'RootKeyNotInVault']);
  const goOn = hold();
  const wrapping = rewrap();
  await until(() => Promise.resolve(rotation.isUnderWay()));
  expect([await rotate(), await rewrap()]).toEqual([
    [409, 'RewrapRunning'],
    [409, 'RewrapRunning'],
  ]);
  goOn();
  expect([await wrapping, rotation.isUnderWay()]).toEqual([[409, 'RootKeyNotInVault'], false]);
  expect(told).toEqual([]);
  await rotate();
  expect(await rewrap()).toEqual([409, 'RotationRunning']);
  joined = [{ host: 'west', id: 'its id', silentMs: 0 }];
  end();
  await until(async () => !(await status()).running);
  expect(await rewrap()).toEqual([409, 'RootKeyRotating']);
});
