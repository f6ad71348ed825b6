import type { Kustody, StartOptions } from './public.ts';
import { startInstance } from './start.ts';

/** Starts a Kustody of its own in this process, on free ports and in a temporary directory, with a clock that can be moved.
 * ```ts
 * await using k = await startKustody({ cluster: true });
 * const keys = await k.keyClient();
 * ``` */
export async function startKustody(options: StartOptions = {}): Promise<Kustody> {
  return (await startInstance(options)).kustody;
}
