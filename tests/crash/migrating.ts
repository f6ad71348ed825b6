// Moves, backs up or restores one directory to another, and is killed before a durable step: node migrating.mjs FROM TO STEP WHAT. Prints what
// its steps were.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { instant } from '../../src/clock/clock.ts';
import { backUp, restore } from '../../src/server/moving/backup.ts';
import { LiveWriter, openLive } from '../support/live-instance-writer.ts';
import { askNext } from '../support/backed-up-cluster.ts';
import { rewrapBackup } from '../../src/server/moving/cluster-rewrap.ts';
import { restoreCluster } from '../../src/server/moving/cluster-restore.ts';
import { migrate } from '../../src/server/moving/migrate.ts';
import { takeBack } from '../../src/server/moving/take-back.ts';
import { parseRootKey } from '../../src/state/root-key.ts';
import { DurableSteps } from './durable-steps.ts';

const [source = '', target = '', killAt = '0', what = ''] = process.argv.slice(2);
const ends = { from: { dataDirectory: source }, to: { dataDirectory: target }, now: () => instant(0) };
const rootKeyOf = (directory: string) => parseRootKey(readFileSync(join(directory, 'root.key'), 'utf8'));
const work: Readonly<Record<string, () => Promise<unknown>>> = {
  migrate: () => migrate(ends),
  backup: () => backUp(ends),
  update: () => backUp(ends),
  // The instance is open, and writes meanwhile at a point that is always the same.
  live: async () => {
    const live = await openLive(source, rootKeyOf(source));
    const writer = new LiveWriter(source, live.sealed);
    const tables = live.store.tables.bind(live.store);
    live.store.tables = async () => {
      await writer.write(1_000);
      return tables();
    };
    await live.take(target);
    await live.close();
  },
  takeBack: () => takeBack({ ...ends, confirm: () => Promise.resolve(true) }),
  restoreCluster: () =>
    restoreCluster({
      ...{ from: ends.from, to: ends.to, cluster: 'one', acceptsRollback: true, now: ends.now },
    }),
  // The copy is the target, and the source the instance: what its vaults would do is known.
  rewrap: () => rewrapBackup({ to: ends.to, cluster: 'one', rootKey: rootKeyOf(source), ask: askNext }),
  restore: () => {
    const rootKey = rootKeyOf(dirname(dirname(source)));
    return restore({ ...ends, rootKey, acceptsRollback: true });
  },
};
const steps = new DurableSteps(dirname(target), Number(killAt));
void steps
  .during(() => work[what]?.() ?? Promise.reject(new Error(`What is ${what}?`)))
  .then(() => process.stdout.write(JSON.stringify(steps.kinds)));
