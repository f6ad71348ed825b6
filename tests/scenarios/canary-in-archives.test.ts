import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drillInstance } from '../../src/cli/drill/drill-instance.ts';
import { required } from '../../src/cli/drill/outcome.ts';
import { firstCell } from '../../src/cli/drill/result-cells.ts';
import { kusto, makeScene } from '../../src/cli/drill/scene.ts';
import type { Scene } from '../../src/cli/drill/scene.ts';
import { instant } from '../../src/clock/clock.ts';
import { backUp } from '../../src/server/moving/backup.ts';
import { openSearch, searchArchives } from '../support/archive-search.ts';
import { openFilesOf } from '../support/open-files.ts';
import { descendantsOf } from '../support/process-tree.ts';
import { ingestionPlaces, putBlob, putMessage } from '../support/queued-sending.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import { zipOf } from '../support/zip-writer.ts';

// A text of a row and of what waits to become rows is in no file, packed in whatever way, but in memory of the process that has the key.

const canaries = ['canary-of-an-extent-7be1', 'canary-of-a-log-7be2', 'canary-of-a-staged-zip-7be3'];
canaries.push('canary-of-a-staged-gzip-7be4', 'canary-of-a-function-7be5');
const [ofExtent, ofLog, ofZip, ofGzip, ofFunction] = canaries;
const packed = {
  zip: zipOf({ 'rows.csv': `${ofZip},1.5\n`.repeat(50) }),
  gzip: gzipSync(`${ofGzip},1.5\n`.repeat(50)),
};

const root = mkdtempSync(join(tmpdir(), 'kustody-canary-'));
const [data, copies] = [join(root, 'data'), join(root, 'copies')];
const onLinux = process.platform === 'linux';
/** On a tmpfs, for this server alone. */
const memory = onLinux ? mkdtempSync('/dev/shm/kustody-canary-') : undefined;

let fixture: Awaited<ReturnType<typeof startServerFixture>>;
let scene: Scene;

const count = async (csl: string): Promise<unknown> =>
  firstCell(required(await kusto(scene, 'query', `${csl} | count`)).value);

beforeAll(async () => {
  mkdirSync(data, { mode: 0o700 });
  fixture = await startServerFixture({ dataDirectory: data, ...(memory && { memoryDirectory: memory }) });
  scene = await makeScene(await drillInstance(fixture.server));
  const rows = `range n from 1 to 70000 step 1 | project Device = strcat('${ofExtent}-', n % 9), Celsius = n / 10.0`;
  for (const command of [
    `.set-or-append Readings <| ${rows}`,
    `.ingest inline into table Readings <| ${ofLog},1`,
    `.create-or-alter function Secret() { Readings | where Device == '${ofFunction}' }`,
  ])
    required(await kusto(scene, 'mgmt', command));
  const places = await ingestionPlaces(scene);
  for (const [kind, content] of Object.entries(packed)) {
    const blob = await putBlob(fixture, places, `db__Readings__staged.csv.${kind === 'gzip' ? 'gz' : 'zip'}`, content);
    expect(blob.status, blob.text).toBe(201);
    const message = await putMessage(fixture, places, blob.path, { table: 'Readings', flush: false });
    expect(message.status, message.text).toBe(201);
  }
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  for (const path of [root, ...(memory === undefined ? [] : [memory])]) rmSync(path, { recursive: true, force: true });
});

describe('a canary', () => {
  it('is there for who may read it, and is found by this search where it lies packed', async () => {
    expect(await count(`Readings | where Device startswith '${ofExtent}'`)).toBe(70_000);
    expect(await count(`Readings | where Device == '${ofLog}'`)).toBe(1);
    expect(await count(`Readings | where Device in ('${ofZip}', '${ofGzip}')`)).toBe(0); // it waits
    const control = join(root, 'control');
    mkdirSync(control);
    for (const [kind, content] of Object.entries(packed)) writeFileSync(join(control, kind), content);
    const { matches } = await searchArchives(control, canaries);
    expect(matches.map(({ file, canary }) => [file, canary]).sort()).toEqual([
      ['gzip', ofGzip],
      ['zip', ofZip],
    ]);
  });

  it('is in no file of the instance while it runs', async () => {
    expect(await searchArchives(data, canaries)).toMatchObject({ matches: [] });
  });

  it.runIf(onLinux)('is in no open file but in memory, where it is found, and in none with a name', async () => {
    expect(await count(`Readings | where Celsius > 0 and Device startswith '${ofExtent}'`)).toBe(70_000);
    const search = await openSearch(canaries);
    const held = new Set<string>();
    const elsewhere: string[] = [];
    for (const { name, bytes } of openFilesOf(descendantsOf(process.pid)))
      for (const { canary } of await search.within(bytes))
        if (name.startsWith(memory ?? '')) held.add(canary);
        else elsewhere.push(`${canary} in ${name}`);
    search.close();
    expect([elsewhere, [...held]]).toEqual([[], expect.arrayContaining([ofExtent]) as string[]]);
    expect(await searchArchives(memory ?? '', canaries)).toMatchObject({ matches: [] });
  });

  it('is in no file of an instance that was stopped, nor in a backup of it or of its cluster', async () => {
    await fixture[Symbol.asyncDispose]();
    const now = () => instant(Date.UTC(2026, 0, 1));
    for (const name of ['whole', 'cluster']) {
      const to = join(copies, name);
      mkdirSync(to, { recursive: true, mode: 0o700 });
      const { blobs } = await backUp({
        ...{ from: { dataDirectory: data }, to: { dataDirectory: to }, now },
        ...(name === 'cluster' && { cluster: scene.clusterPath.split('/').at(-1) ?? '' }),
      });
      expect(blobs.blobs).toBeGreaterThan(0);
    }
    const { files, matches } = await searchArchives(root, canaries);
    expect(matches.filter(({ file }) => !file.startsWith('control/'))).toEqual([]);
    expect(matches).toHaveLength(2); // those of the control
    expect(files).toBeGreaterThan(6);
    if (memory !== undefined) expect(readdirSync(memory)).toEqual([]);
  });
});
