import { expect, it } from 'vitest';
import { systemRandomBytes } from '../base/random.ts';
import { MemoryStateStore } from '../state/memory/memory-state-store.ts';
import { RootKey } from '../state/root-key.ts';
import { SealedState } from '../state/sealed/sealed-state.ts';
import type { Log } from '../http/logging.ts';
import type { ServerSettings } from './settings.ts';
import { StandingBy } from './standing-by.ts';

const keyOf = (byte: number) => new RootKey(Buffer.alloc(32, byte));
const [older, newer] = [keyOf(1), keyOf(2)];

it('a node whose root keys do not open the state stays out of the turn, and says why once', async () => {
  const store = new MemoryStateStore();
  const state = await SealedState.open({ store, rootKey: older, randomBytes: systemRandomBytes });
  const told: unknown[] = [];
  const log = {
    event: (name: string) => told.push(name),
    warning: (name: string, { why }: { why: string }) => told.push([name, /KUSTODY_\w+/.exec(why)?.[0] ?? 'another']),
  } as unknown as Log;
  let isCutOff = false;
  const nodeWith = (rootKey: RootKey, oldRootKey?: RootKey) => {
    const settings = { rootKey, oldRootKey, statePlace: undefined } as unknown as ServerSettings;
    return new StandingBy(settings, log);
  };
  const read = (table: string, id: string) =>
    isCutOff ? Promise.reject(new Error('The connection has ended.')) : store.get(table, id);
  const nodes = { old: nodeWith(older), both: nodeWith(newer, older), new: nodeWith(newer) };
  const out = async (): Promise<readonly string[]> => {
    const all = await Promise.all(
      Object.entries(nodes).map(async ([name, node]) =>
        (await node.hindered(false, undefined)) === undefined ? [] : [name],
      ),
    );
    return all.flat();
  };
  expect(await out()).toEqual([]); // nothing was looked at yet
  for (const node of Object.values(nodes)) node.ports.looked?.(undefined, { id: 'a', read });
  expect(await out()).toEqual(['new']);
  expect(await out()).toEqual(['new']);
  expect(told).toEqual([['root-key-opens-nothing', 'another']]);
  await state
    .reseal(newer, {
      progress: () => {
        throw new Error('It is ended after the first records.');
      },
    })
    .catch(() => undefined);
  expect(state.oldRootKey).toBe(older);
  expect(await out()).toEqual(['old', 'new']);
  isCutOff = true;
  expect(await out()).toEqual([]);
  isCutOff = false;
  await state.reseal(newer);
  expect(await out()).toEqual(['old']);
  expect(told.filter((one) => one === 'root-key-opens')).toHaveLength(1);
});
