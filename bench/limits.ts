import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Kustody } from '../src/testing/public.ts';
import { startInstance } from '../src/testing/start.ts';
import type { KustoClient } from './kusto-client.ts';
import { kustoClient } from './kusto-client.ts';
import type { HeavyRequest } from '../tests/support/heavy-requests.ts';
import { heavyRequests, heavyTables } from '../tests/support/heavy-requests.ts';
import type { BenchRow } from './row.ts';

const timeoutMs = 2_000;
const cancelAfterMs = 1_000;
const boundMs = 500;

interface Instance extends AsyncDisposable {
  readonly client: KustoClient;
}

/** A cluster with tables, beside a storage that never comes to the end of a blob. */
async function openInstance(): Promise<Instance> {
  const slow = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': '1000000', etag: '"e"' });
    response.write('1,one\n');
  }).listen(0, '127.0.0.1');
  await once(slow, 'listening');
  const { port } = slow.address() as AddressInfo;
  const storageAccounts = [{ name: 'slowbox', endpoint: `http://127.0.0.1:${port}` }];
  const { kustody }: { readonly kustody: Kustody } = await startInstance({ cluster: true }, { storageAccounts });
  const client = await kustoClient(kustody);
  for (const csl of heavyTables) await client.command(csl);
  return {
    client,
    [Symbol.asyncDispose]: async () => {
      await kustody.close();
      slow.closeAllConnections();
      slow.close();
    },
  };
}

/** @returns milliseconds from the wanted time to the end of the answer */
type Missed = (client: KustoClient, stage: HeavyRequest) => Promise<number>;

const timesOut: Missed = async (client, stage) => {
  const options = { ...stage.options, servertimeout: `00:00:0${timeoutMs / 1_000}` };
  const asked = performance.now();
  const { text, endedMs } = await client.ask(stage.of, stage.csl, { options });
  if (!text.includes('limit of 2 seconds was exceeded')) throw new Error(`${stage.name}: ${told(text)}`);
  return endedMs - asked - timeoutMs;
};

const isCancelled: Missed = async (client, stage) => {
  const clientRequestId = `bench;${stage.name.replaceAll(' ', '-')}`;
  const answer = client.ask(stage.of, stage.csl, {
    clientRequestId,
    ...(stage.options === undefined ? {} : { options: stage.options }),
  });
  await pause(cancelAfterMs);
  const asked = performance.now();
  await client.command(`.cancel query "${clientRequestId}"`);
  const { text, endedMs } = await answer;
  if (!text.includes('cancelled by a cancel command')) throw new Error(`${stage.name}: ${told(text)}`);
  return endedMs - asked;
};

const told = (text: string): string => `ended otherwise, with ${text.slice(0, 100)} … ${text.slice(-400)}`;

async function worst(
  among: readonly HeavyRequest[],
  missed: Missed,
): Promise<{ readonly ratio: number; readonly detail: string }> {
  await using instance = await openInstance();
  const found: (readonly [name: string, ms: number])[] = [];
  for (const stage of among) found.push([stage.name, await missed(instance.client, stage)]);
  const sorted = found.toSorted(([, one], [, other]) => Math.abs(other) - Math.abs(one));
  return {
    ratio: Math.abs(sorted[0]?.[1] ?? NaN) / boundMs,
    detail: sorted.map(([name, ms]) => `${name} ${Math.round(ms)} ms`).join(', '),
  };
}

export const limitRows: readonly BenchRow[] = [
  {
    id: 'limits-timeout',
    ratio: `the end of requests that have ${timeoutMs / 1_000} s (servertimeout), in each of ${heavyRequests.length} stages: ms beside that, the worst over ${boundMs}`,
    rule: 'atMost',
    floor: 1,
    aim: 0.2,
    run: () => worst(heavyRequests, timesOut),
  },
  {
    id: 'limits-cancel',
    ratio: `.cancel query until the answer has ended, in each stage of a query: ms, the worst over ${boundMs}`,
    rule: 'atMost',
    floor: 1,
    aim: 0.2,
    run: () =>
      worst(
        heavyRequests.filter(({ of }) => of === 'query'),
        isCancelled,
      ),
  },
];
