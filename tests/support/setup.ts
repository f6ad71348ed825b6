import { afterAll, beforeEach, expect } from 'vitest';
import { fixSeed } from './fuzz.ts';
import { hangMs } from './hang.ts';
import { endLeftCommands } from './kustody-command.ts';
import { shortenLateRuns } from './late-runs.ts';
import { countProcessorTime } from './processor-seconds.ts';
import { watchdog } from './watchdog.mjs';

fixSeed();
shortenLateRuns(process.env, Date.now());

// After the limits of tests, which say more.
const doing = watchdog(1.25 * hangMs);
doing(expect.getState().testPath ?? 'a file that is not known');
beforeEach(({ task }) => doing(`${task.file.name}: ${task.name}`));

// After what a file itself ends, and after that.
afterAll(countProcessorTime(expect.getState().testPath ?? ''));
afterAll(endLeftCommands);
