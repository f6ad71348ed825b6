import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DrillInstance } from '../../src/cli/drill/drill-instance.ts';
import { drillInstance } from '../../src/cli/drill/drill-instance.ts';
import type { Scene } from '../../src/cli/drill/scene.ts';
import { kusto, makeScene } from '../../src/cli/drill/scene.ts';
import { largeBlock, manyFacts } from '../support/hostile-avro.ts';
import { hugeDictionaries, stripesAgain, wideStripe } from '../support/hostile-orc.ts';
import { hostileParquet } from '../support/hostile-parquet.ts';
import { commandOf, descendantsOf, isRunning, residentBytes } from '../support/process-tree.ts';
import { ingestionPlaces, putBlob, putMessage } from '../support/queued-sending.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import { until } from '../support/until.ts';
import { overlappingZip, zipOf } from '../support/zip-writer.ts';

// Blobs and messages that any client may send, with a server and processes that are real: what the archives and files claim is far more than
// there is memory for.

let fixture: Awaited<ReturnType<typeof startServerFixture>>;
let instance: DrillInstance;
let scene: Scene;

beforeAll(async () => {
  fixture = await startServerFixture();
  instance = await drillInstance(fixture.server);
  scene = await makeScene(instance);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const gigabyte = 1024 ** 3;

interface Sent {
  readonly name: string;
  readonly format: string;
  readonly body: () => Buffer;
  readonly code: string;
}
const archive = 'BadRequest_InvalidArchive';
const [invalid, large, character] = [
  ...['BadRequest_InvalidBlob', 'Stream_InputStreamTooLarge', 'BadRequest_UnexpectedCharacterInInputStream'],
] as const;
const row = 'pump-0,1\n';
const entries = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_each, index) => [`${index}.csv`, row]));

const sent: readonly Sent[] = [
  // 1,000 files of a megabyte that is packed once
  { name: 'overlap.csv.zip', format: 'csv', body: () => overlappingZip(1_000, row.repeat(100_000)), code: archive },
  { name: 'many.csv.zip', format: 'csv', body: () => zipOf(entries(10_001)), code: archive },
  { name: 'more.csv.zip', format: 'csv', body: () => zipOf(entries(2), { bytes: 2 ** 32 - 2 }), code: large },
  { name: 'less.csv.zip', format: 'csv', body: () => zipOf(entries(2), { bytes: 3 }), code: archive },
  { name: 'nested.csv.gz', format: 'csv', body: () => gzipSync(gzipSync(gzipSync(row))), code: character },
  { name: 'zeros.csv.gz', format: 'csv', body: () => gzipSync(Buffer.alloc(gigabyte / 4)), code: large },
  { name: 'deep.json.gz', format: 'multijson', body: () => gzipSync(Buffer.alloc(64 << 20, '[')), code: character },
  { name: 'objects.json.gz', format: 'multijson', body: () => gzipSync(`{"a":[${'{},'.repeat(9 << 20)}`), code: large },
  { name: 'commas.csv.gz', format: 'csv', body: () => gzipSync(Buffer.alloc(48 << 20, ',')), code: large },
  { name: 'dictionaries.orc', format: 'orc', body: hugeDictionaries, code: invalid },
  { name: 'wide.orc.gz', format: 'orc', body: () => gzipSync(wideStripe()), code: invalid },
  { name: 'again.orc', format: 'orc', body: () => stripesAgain(1_000), code: invalid },
  { name: 'facts.avro.gz', format: 'avro', body: () => gzipSync(manyFacts(1_000_000)), code: invalid },
  { name: 'block.avro', format: 'avro', body: () => largeBlock(2 ** 40), code: large },
  ...Object.entries(hostileParquet).map(([name, body]) => ({
    ...{ name: `${name.replaceAll(' ', '-')}.parquet`, format: 'parquet', body },
    code: name === 'rows without end' ? large : invalid,
  })),
];

it('archives and files made to do harm end as failed ingestions, and nobody beside them is hurt', async () => {
  expect((await kusto(scene, 'mgmt', '.create table Hostile (n: long, s: string)')).status).toBe(200);
  const places = await ingestionPlaces(scene);
  const query = async (text: string): Promise<readonly (readonly unknown[])[]> => {
    const { status, value } = await kusto(scene, 'query', text);
    expect(status).toBe(200);
    return (value as { Tables: { Rows: unknown[][] }[] }).Tables[0]?.Rows ?? [];
  };
  const [pid = 0] = descendantsOf(process.pid)
    .filter((one) => commandOf(one).includes('cluster-process'))
    .sort((left, right) => residentBytes(right) - residentBytes(left));
  const resident = (): number => residentBytes(pid);
  expect(isRunning(pid)).toBe(true);
  const before = resident();
  let most = before;
  const watching = setInterval(() => (most = Math.max(most, resident())), 100);
  let left = 0;
  try {
    for (const { name, format, body } of sent) {
      const blob = await putBlob(fixture, places, `db__Readings__${name}`, body());
      expect(blob.status, blob.text).toBe(201);
      const message = await putMessage(fixture, places, blob.path, { table: 'Hostile', flush: true, format });
      expect(message.status).toBe(201);
    }
    await until(async () => {
      expect(await query('Readings | count')).toEqual([[1000]]);
      left = (await failures()).length;
      return left >= sent.length;
    });
  } finally {
    clearInterval(watching);
  }
  const found = Object.fromEntries((await failures()).map(([path, code, kind]) => [nameIn(path), `${kind} ${code}`]));
  expect(found).toEqual(Object.fromEntries(sent.map(({ name, code }) => [name, `Permanent ${code}`])));
  // The process that served before serves still.
  expect(isRunning(pid)).toBe(true);
  expect(await query('Hostile | count')).toEqual([[0]]);
  expect((most - before) / gigabyte).toBeLessThan(1);
  const good = await putBlob(fixture, places, 'db__Readings__good.csv', 'good,1\n');
  await putMessage(fixture, places, good.path, { table: 'Readings', flush: true });
  await until(async () => (await query("Readings | where Device == 'good' | count"))[0]?.[0] === 1);
});

const nameIn = (path: string): string => path.slice(path.lastIndexOf('__') + 2);

async function failures(): Promise<readonly [path: string, code: string, kind: string][]> {
  const shown = '.show ingestion failures | project IngestionSourcePath, ErrorCode, FailureKind';
  const { status, value } = await kusto(scene, 'mgmt', shown);
  expect(status, JSON.stringify(value)).toBe(200);
  return (value as { Tables: { Rows: [string, string, string][] }[] }).Tables[0]?.Rows ?? [];
}
