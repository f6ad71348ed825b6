import { join } from 'node:path';
import { requireInstance } from '../src/cli/control-client.ts';
import type { DrillInstance } from '../src/cli/drill/drill-instance.ts';
import { startKustody, temporaryDirectory } from '../tests/support/kustody-command.ts';

/** A server as a user starts it, in processes of its own, with its data in a temporary directory. */
export interface RealServer extends DrillInstance {
  readonly dataDirectory: string;
  readonly processId: number;
  close(): Promise<void>;
}

/** Its clock follows the machine's and can be moved besides.
 * @param more options of `up` */
export async function startRealServer(more: readonly string[] = []): Promise<RealServer> {
  const directory = temporaryDirectory();
  const dataDirectory = join(directory.path, 'data');
  const server = startKustody(['up', '--data', dataDirectory, '--virtual-time', '--log-level', 'silent', ...more]);
  try {
    await server.printed('Stop with');
    const client = await requireInstance(dataDirectory);
    const environment = await client.environment();
    let aheadMs = 0;
    return {
      dataDirectory,
      processId: server.process.pid ?? 0,
      environment,
      now: () => Date.now() + aheadMs,
      pass: async (seconds) => {
        await client.call('POST', '/clock/advance', { seconds });
        aheadMs += seconds * 1000;
      },
      addFault: async (rule) => {
        await client.call('POST', '/faults', rule);
      },
      clearFaults: async () => {
        await client.call('DELETE', '/faults');
      },
      warning: () => Promise.resolve(undefined),
      close: async () => {
        server.process.kill('SIGTERM');
        await server.result;
        directory[Symbol.dispose]();
      },
    };
  } catch (error) {
    server.process.kill('SIGKILL');
    directory[Symbol.dispose]();
    throw error;
  }
}
