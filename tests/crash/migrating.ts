// Moves one data directory to another, and is killed before a durable step: node migrating.mjs FROM TO STEP. Prints what its steps were.
import { dirname } from 'node:path';
import { instant } from '../../src/clock/clock.ts';
import { migrate } from '../../src/server/moving/migrate.ts';
import { DurableSteps } from './durable-steps.ts';

const [from = '', to = '', killAt = '0'] = process.argv.slice(2);
const steps = new DurableSteps(dirname(to), Number(killAt));
await steps.during(() => migrate({ from: { dataDirectory: from }, to: { dataDirectory: to }, now: () => instant(0) }));
process.stdout.write(JSON.stringify(steps.kinds));
