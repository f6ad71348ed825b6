import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Where `.ci/run` (or `scripts/python-clients.sh`) installs tests/clients/python/requirements.txt. */
const installed = join(import.meta.dirname, '..', '..', '.cache', 'python', 'bin', 'python');

/** The Python that has the clients of tests/clients/python/requirements.txt; else whichever is on the PATH. */
export const python = existsSync(installed) ? installed : 'python3';

/** Whether these modules are there. Where they are not, the tests that need them are skipped, and say so. */
export function pythonHas(...modules: readonly string[]): boolean {
  try {
    execFileSync(python, ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn(`Skipped: ${python} has not all of ${modules.join(', ')} (scripts/python-clients.sh installs them).`);
    return false;
  }
}
