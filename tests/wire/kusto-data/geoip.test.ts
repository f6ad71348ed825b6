import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startKustody } from '../../../dist/testing.js';
import { cityNetworks, sydney } from '../../support/city-database.ts';
import { kustody } from '../../support/kustody-command.ts';
import { mmdb } from '../../support/mmdb-writer.ts';
import type { ClientOutcome } from './kusto-fixture.ts';

const directory = mkdtempSync(join(tmpdir(), 'kustody-geoip-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
function file(name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}
const cities = file('cities.mmdb', mmdb({ networks: cityNetworks }));
const query = 'print geo_info_from_ip_address("20.53.203.50")';

/** One query of azure-kusto-data, in a process of its own. */
async function asked(geoipDatabase?: string): Promise<ClientOutcome> {
  await using k = await startKustody({ cluster: true, ...(geoipDatabase === undefined ? {} : { geoipDatabase }) });
  const client = fork(join(import.meta.dirname, 'clients.client.mjs'), [], {
    execArgv: [],
    env: { ...(await k.environment()), PATH: process.env['PATH'] },
  });
  try {
    return await new Promise((resolve) => {
      client.once('message', (message) => resolve((message as { outcome: ClientOutcome }).outcome));
      client.send({ id: 1, call: { call: 'query', uri: k.cluster.uri, database: k.cluster.database, text: query } });
    });
  } finally {
    client.kill();
  }
}

describe("geo_info_from_ip_address() with a user's own database", () => {
  it('answers through kustody/testing and azure-kusto-data', async () => {
    const { tables } = await asked(cities);
    expect(tables?.find(({ kind }) => kind === 'PrimaryResult')?.rows).toEqual([[sydney]]);
  });

  it('is refused by name without one', async () => {
    const { failed } = await asked();
    expect(failed).toMatchObject({ status: 400 });
    expect(JSON.stringify(failed?.body)).toMatch(/'geo_info_from_ip_address' is not supported .*--geoip-database FILE/);
  });

  it('fails the query, and not the cluster, when the file was damaged since the start', async () => {
    const path = file('damaged.mmdb', mmdb({ networks: cityNetworks }));
    const ask = (text: string): string => `kustody query '${text}' 2>&1; echo`;
    const script = [ask('print 1 + 1'), `echo broken > ${path}`, ask(query), ask('print 40 + 2')].join('; ');
    const { stdout } = await kustody(['run', '--seed', '--geoip-database', path, '--', 'sh', '-c', script]);
    expect(stdout).toMatch(/2.*database that this server was given cannot be read any more.*42/s);
  });

  it('may be named by the environment', async () => {
    const args = ['run', '--seed', '--', 'kustody', 'query', query, '--format', 'json'];
    const { code, stdout } = await kustody(args, { KUSTODY_GEOIP_DATABASE: cities });
    expect(code).toBe(0);
    expect(JSON.stringify(JSON.parse(stdout))).toContain('New South Wales');
  });

  it('is refused for an instance that runs already', async () => {
    const data = ['run', '--data', join(directory, 'joined')];
    const { code, stderr } = await kustody([
      ...data,
      '--',
      'kustody',
      ...data,
      '--geoip-database',
      cities,
      '--',
      'true',
    ]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/--geoip-database counts for a server that is started now/);
  });

  it.each([
    [join(directory, 'none.mmdb'), /none\.mmdb does not exist/],
    [file('text.mmdb', Buffer.from('no database')), /is no database in MMDB format/],
    [file('countries.mmdb', mmdb({ networks: {}, type: 'GeoLite2-Country' })), /'GeoLite2-Country'/],
  ])('%s: refused at start', async (path, message) => {
    const commands = [
      ['run', '--geoip-database', path, '--', 'true'],
      ['up', '--data', join(directory, 'data'), '--geoip-database', path],
    ];
    for (const command of commands) {
      const { code, stderr } = await kustody(command);
      expect(code).not.toBe(0);
      expect(stderr).toMatch(message);
      expect(stderr).toMatch(/city database in MMDB format with --geoip-database/);
      expect(stderr).not.toMatch(/\n\s+at /);
    }
    await expect(startKustody({ geoipDatabase: path })).rejects.toThrow(message);
  });
});
