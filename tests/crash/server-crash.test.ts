import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findInstance } from '../../src/cli/control-client.ts';
import { callLocal, localToken } from '../../src/server/local-client.ts';
import { serveKustody, temporaryDirectory } from '../support/kustody-command.ts';
import type { StartedCommand } from '../support/kustody-command.ts';

/** A whole server takes longer to start than a store, so it is killed a tenth as often. */
const runs = Math.max(2, Math.floor(Number(process.env['KUSTODY_CRASH_RUNS'] ?? 20) / 10));

describe('a server that is killed', () => {
  it(`loses nothing it has acknowledged (${runs} kills)`, { timeout: 240_000 + runs * 30_000 }, async () => {
    using directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    const acknowledged: string[] = [];
    for (let run = 0; run < runs; run += 1) {
      const server = await serveKustody(data);
      const client = await connect(data);
      expect(await client.missing(acknowledged)).toEqual([]);
      await writeUntilKilled(server, client, run, acknowledged);
    }
    const server = await serveKustody(data);
    const client = await connect(data);
    expect(acknowledged.length).toBeGreaterThan(runs);
    expect(await client.missing(acknowledged)).toEqual([]);
    server.process.kill('SIGTERM');
    expect(await server.result).toMatchObject({ code: 0 });
  });
});

type Client = Awaited<ReturnType<typeof connect>>;

async function connect(data: string) {
  const environment = await (await findInstance(data))?.environment();
  if (environment === undefined) throw new Error('no server answers');
  const token = await localToken(environment, 'https://management.azure.com');
  const group = (name: string) =>
    `/subscriptions/${environment.subscriptionId}/resourcegroups/${name}?api-version=2024-11-01`;
  const send = (method: string, name: string, body?: { location: string }) =>
    callLocal(environment, {
      ...{ host: 'management.azure.com', method, path: group(name), token },
      ...(body === undefined ? {} : { body }),
    });
  return {
    put: async (name: string) => {
      const { status } = await send('PUT', name, { location: 'eastus' });
      if (status !== 201) throw new Error(`PUT of ${name} was answered with ${status}.`);
    },
    missing: async (names: readonly string[]) => {
      const found = await Promise.all(
        names.map(async (name) => ((await send('GET', name)).status === 200 ? [] : [name])),
      );
      return found.flat();
    },
  };
}

/** Eight writers at a time; after a random number of acknowledgements the process is killed in the middle of the others. */
async function writeUntilKilled(
  server: StartedCommand,
  client: Client,
  run: number,
  acknowledged: string[],
): Promise<void> {
  const killAfter = randomInt(1, 40);
  const ends: string[] = [];
  let count = 0;
  const writer = async (lane: number): Promise<void> => {
    for (let index = 0; ; index += 1) {
      const name = `rg-${run}-${lane}-${index}`;
      try {
        await client.put(name);
      } catch (error) {
        ends.push(String(error));
        return; // the server is gone: this write was not acknowledged
      }
      acknowledged.push(name);
      count += 1;
      if (count === killAfter) server.process.kill('SIGKILL');
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, lane) => writer(lane)));
  // Writers that ended before it would wait here for a kill that nobody sends.
  expect(server.process.killed, `ended before the kill: ${ends.join('; ')}`).toBe(true);
  expect(await server.result).toMatchObject({ signal: 'SIGKILL' });
}
