import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** The system's own Python, where Debian's packages are; another one may stand before it on the PATH. */
export const debianPython = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

/** Whether these modules are there. `.ci/run` installs them; elsewhere the tests that need them are skipped, and say so. */
export function pythonHas(...modules: readonly string[]): boolean {
  try {
    execFileSync(debianPython, ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn(
      `Skipped: ${debianPython} has not all of ${modules.join(', ')} (Debian: python3-adal, python3-azure).`,
    );
    return false;
  }
}
