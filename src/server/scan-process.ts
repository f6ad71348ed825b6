import { scanForCanaries } from './canary-scan.ts';
import type { ScanTask } from './disk-scan.ts';

/** The process of one scan: it has no key, reads files, answers, and ends. */
process.once('message', (task: ScanTask) => {
  scanForCanaries(task.directory, task.canaries).then(
    (result) => process.send?.(result, () => process.disconnect()),
    () => process.exit(1),
  );
});
