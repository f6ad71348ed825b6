import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The Python that has the clients of tests/clients/NAME/requirements.txt, where `.ci/run` (or `scripts/python-clients.sh`) installed
 * them; else whichever is on the PATH. */
export function pythonIn(name: string): string {
  const installed = join(import.meta.dirname, '..', '..', '.cache', name, 'bin', 'python');
  return existsSync(installed) ? installed : 'python3';
}

export const python = pythonIn('python');

/** Whether these modules are there. Where they are not, the tests that need them are skipped, and say so. */
export const pythonHas = (...modules: readonly string[]): boolean => hasModules(python, modules);

export function hasModules(program: string, modules: readonly string[]): boolean {
  try {
    execFileSync(program, ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn(`Skipped: ${program} has not all of ${modules.join(', ')} (scripts/python-clients.sh installs them).`);
    return false;
  }
}
