// Raises the format of a state in a file by two, and is killed before a durable step: node raising.cjs DIRECTORY STEP. Prints what its steps were.
import { raiseTo } from '../../src/state/formats/state-formats.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import { formatsAhead } from '../support/later-formats.ts';
import { DurableSteps } from './durable-steps.ts';

const [directory = '', killAt = '0'] = process.argv.slice(2);
const formats = formatsAhead(2);
const steps = new DurableSteps(directory, Number(killAt));
// A file of the newest format but two: both steps are to be taken.
const store = SqliteStateStore.open(directory, undefined, { formats: formatsAhead(1) });
void steps
  .during(() =>
    raiseTo({
      formats,
      get written() {
        return store.written;
      },
      raise: (step) => store.raise(step),
      nodes: () => Promise.resolve([]),
    }),
  )
  .then(() => store.close())
  .then(() => process.stdout.write(JSON.stringify(steps.kinds)));
