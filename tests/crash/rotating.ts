// Rotates the root key of a directory, and is killed before a durable step: node rotating.cjs DIRECTORY STEP [NEW OLD]. Without keys, those of
// files beside the data. Prints what its steps were.
import { instant } from '../../src/clock/clock.ts';
import { rotateStopped } from '../../src/server/moving/rotate-stopped.ts';
import { parseRootKey } from '../../src/state/root-key.ts';
import { DurableSteps } from './durable-steps.ts';

const [dataDirectory = '', killAt = '0', rootKey, oldRootKey] = process.argv.slice(2);
const steps = new DurableSteps(dataDirectory, Number(killAt));
const keys = {
  ...(rootKey !== undefined && { rootKey: parseRootKey(rootKey) }),
  ...(oldRootKey !== undefined && { oldRootKey: parseRootKey(oldRootKey) }),
};
void steps
  .during(() => rotateStopped({ from: { dataDirectory }, ...keys, now: () => instant(Date.now()) }))
  .then(() => process.stdout.write(JSON.stringify(steps.kinds)));
