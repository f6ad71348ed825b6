import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { ServerScripts } from '../server/settings.ts';

/** The scripts of a build, the user's directory for what is made of them at first use (whoever has no home has none), and the roots that the user
 * has Node.js trust.
 * @param folder `dist` */
export function builtScripts(folder: string, env: NodeJS.ProcessEnv): ServerScripts {
  const cache = cacheDirectory(env);
  const { NODE_EXTRA_CA_CERTS: roots = '' } = env;
  return {
    clusterProcess: join(folder, 'cluster-process.cjs'),
    kqlProcess: join(folder, 'kql-process.js'),
    rsaThread: join(folder, 'rsa-thread.js'),
    templateThread: join(folder, 'template-thread.js'),
    scanProcess: join(folder, 'scan-process.js'),
    ...(cache === undefined ? {} : { startUpFiles: cache }),
    ...(roots === '' ? {} : { extraRoots: resolve(roots) }),
  };
}

/** Where what starts are faster with is kept, as each system has it; XDG directories that are not absolute do not count (XDG Base Directory Specification). */
export function cacheDirectory(env: NodeJS.ProcessEnv): string | undefined {
  const { XDG_CACHE_HOME: shared = '', LOCALAPPDATA: local = '' } = env;
  if (isAbsolute(shared)) return join(shared, 'kustody');
  if (process.platform === 'win32') return isAbsolute(local) ? join(local, 'kustody', 'cache') : undefined;
  const home = homeOf();
  if (home === undefined) return undefined;
  return process.platform === 'darwin' ? join(home, 'Library', 'Caches', 'kustody') : join(home, '.cache', 'kustody');
}

function homeOf(): string | undefined {
  try {
    const home = homedir();
    return isAbsolute(home) ? home : undefined;
  } catch {
    return undefined; // no such user
  }
}
