// Moves, backs up or restores one directory to another, and is killed before a durable step: node migrating.mjs FROM TO STEP WHAT. Prints what
// its steps were.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { instant } from '../../src/clock/clock.ts';
import { backUp, restore } from '../../src/server/moving/backup.ts';
import { restoreCluster } from '../../src/server/moving/cluster-restore.ts';
import { migrate } from '../../src/server/moving/migrate.ts';
import { takeBack } from '../../src/server/moving/take-back.ts';
import { parseRootKey } from '../../src/state/root-key.ts';
import { DurableSteps } from './durable-steps.ts';

const [source = '', target = '', killAt = '0', what = ''] = process.argv.slice(2);
const ends = { from: { dataDirectory: source }, to: { dataDirectory: target }, now: () => instant(0) };
const work: Readonly<Record<string, () => Promise<unknown>>> = {
  migrate: () => migrate(ends),
  backup: () => backUp(ends),
  update: () => backUp(ends),
  takeBack: () => takeBack({ ...ends, confirm: () => Promise.resolve(true) }),
  restoreCluster: () =>
    restoreCluster({
      ...{ from: ends.from, to: ends.to, cluster: 'one', acceptsRollback: true, now: ends.now },
    }),
  restore: () => {
    const rootKey = parseRootKey(readFileSync(join(dirname(dirname(source)), 'root.key'), 'utf8'));
    return restore({ ...ends, rootKey, acceptsRollback: true });
  },
};
const steps = new DurableSteps(dirname(target), Number(killAt));
await steps.during(() => work[what]?.() ?? Promise.reject(new Error(`What is ${what}?`)));
process.stdout.write(JSON.stringify(steps.kinds));
