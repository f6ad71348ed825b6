import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Kustody } from '../src/testing/public.ts';
import { startInstance } from '../src/testing/start.ts';
import type { Asked, KustoClient } from './kusto-client.ts';
import { kustoClient } from './kusto-client.ts';
import type { BenchRow } from './row.ts';

/** A request that would take minutes, in one stage of its way. */
interface Stage {
  readonly name: string;
  readonly of: 'query' | 'mgmt';
  readonly csl: string;
  readonly options?: Asked['options'];
}

const timeoutMs = 2_000;
const cancelAfterMs = 1_000;
const boundMs = 500;
const endless = 'range i from 1 to 1000000000000 step 1';
const slowBlob = "'https://slowbox.blob.core.windows.net/c/slow.csv'";
const many = (count: number, one: (index: number) => string, between: string): string =>
  Array.from({ length: count }, (_each, index) => one(index)).join(between);

const stages: readonly Stage[] = [
  {
    name: 'bodies of functions',
    of: 'query',
    csl:
      many(
        1_500,
        (index) => `let f${index} = (x: long) { ${index === 0 ? 'x' : `f${index - 1}(x) + f${index - 1}(x)`} };`,
        '\n',
      ) + 'print f1499(1)',
  },
  {
    name: 'parse and bind',
    of: 'query',
    // Wide, for what is deep is refused for want of stack, on a machine at rest before its time is over.
    csl: `Few | project ${many(12_000, (index) => `c${index} = s has "a${index}" and i * ${index} > ${index + 1}`, ', ')} | count`,
  },
  {
    name: 'scan',
    of: 'query',
    csl: 'Big | mv-expand j = range(1, 9000, 1) to typeof(long) | where j + strlen(s) == -1 | count',
  },
  { name: 'aggregate', of: 'query', csl: `${endless} | summarize count(), max(i * 3) by i % 1000 | count` },
  {
    name: 'join',
    of: 'query',
    csl: `Few | extend k = 1 ${many(3, () => '| join kind=inner (Few | extend k = 1) on k | project k, i', ' ')} | summarize sum(i)`,
  },
  {
    name: 'a function in JavaScript',
    of: 'query',
    csl: 'print x = array_length(series_fir(range(1, 200000, 1), range(1, 200000, 1), false, false))',
  },
  {
    name: 'an operator that walks rows',
    of: 'query',
    csl: 'range x from 1 to 1999999 step 1 | scan declare (a: long = 0) with (step s: true => a = s.a + array_length(range(1, x % 900, 1));) | count',
  },
  {
    name: 'encoding of results',
    of: 'query',
    csl: `${endless} | extend s = strcat("row ", i)`,
    options: { notruncation: true },
  },
  { name: 'data from elsewhere', of: 'query', csl: `externaldata(a: long, b: string)[${slowBlob}] | count` },
  {
    name: 'the query of a command',
    of: 'mgmt',
    csl: `.set-or-append Out <| ${endless} | summarize n = count() by i % 10`,
  },
  {
    name: 'the rows of a command',
    of: 'mgmt',
    csl: `.set-or-append Rows <| ${endless} | extend s = strcat("row ", i)`,
  },
  { name: 'ingestion from elsewhere', of: 'mgmt', csl: `.ingest into table Slow (${slowBlob})` },
];

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
  await client.command('.set-or-replace Few <| range i from 1 to 1000 step 1 | extend s = strcat("row ", i)');
  await client.command('.set-or-replace Big <| range i from 1 to 1000000 step 1 | extend s = strcat("row ", hash(i))');
  await client.command('.create table Slow (a: long, b: string)');
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
type Missed = (client: KustoClient, stage: Stage) => Promise<number>;

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
  among: readonly Stage[],
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
    ratio: `the end of requests that have ${timeoutMs / 1_000} s (servertimeout), in each of ${stages.length} stages: ms beside that, the worst over ${boundMs}`,
    rule: 'atMost',
    floor: 1,
    aim: 0.2,
    run: () => worst(stages, timesOut),
  },
  {
    id: 'limits-cancel',
    ratio: `.cancel query until the answer has ended, in each stage of a query: ms, the worst over ${boundMs}`,
    rule: 'atMost',
    floor: 1,
    aim: 0.2,
    run: () =>
      worst(
        stages.filter(({ of }) => of === 'query'),
        isCancelled,
      ),
  },
];
