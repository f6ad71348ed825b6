import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KustoData } from './kusto-fixture.ts';
import { databaseName, startKustoData } from './kusto-fixture.ts';

let kusto: KustoData;
beforeAll(async () => {
  kusto = await startKustoData();
});
afterAll(() => kusto[Symbol.asyncDispose]());

const command = (csl: string) => kusto.post('/v1/rest/mgmt', { db: databaseName, csl });
const query = (csl: string) => kusto.post('/v2/rest/query', { db: databaseName, csl });

/** Sealed extents on the disk. */
function extentFiles(): string[] {
  const all = readdirSync(join(kusto.directory, 'extents'), { recursive: true, withFileTypes: true });
  return all.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** So that nothing is in memory any more. */
async function restart(): Promise<void> {
  await kusto.arm('POST', `${kusto.clusterPath}/stop`);
  await kusto.arm('POST', `${kusto.clusterPath}/start`);
}

const named = { status: 520, body: { error: { code: 'DataIntegrityError', '@permanent': true } } };

describe('data at rest that is not what was written', () => {
  it('is refused by name, and the rest of the data is served', async () => {
    expect((await command('.set Good <| range n from 1 to 10 step 1')).status).toBe(200);
    const before = extentFiles();
    expect((await command('.set Bad <| range n from 1 to 10 step 1')).status).toBe(200);
    const [file] = extentFiles().filter((name) => !before.includes(name));
    if (file === undefined) throw new Error('an extent is a file');
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    await restart();
    writeFileSync(file, bytes);
    expect(await query('Bad | summarize sum(n)')).toMatchObject(named);
    expect((await query('Good | summarize sum(n)')).text).toContain('[[55]]');
    await restart();
    rmSync(file);
    expect(await query('Bad | summarize sum(n)')).toMatchObject(named);
    expect((await query('Good | summarize sum(n)')).text).toContain('[[55]]');
  });
});
