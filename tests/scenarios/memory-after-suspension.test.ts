import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findInstance } from '../../src/cli/control-client.ts';
import { callLocal, localToken, succeeded } from '../../src/server/local-client.ts';
import { sendLocal } from '../../src/server/local-request.ts';
import { defaultSeed, seed } from '../../src/server/seed.ts';
import { startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import { countInMemory } from '../support/process-memory.ts';

const canary = `planted-${'q7Zr'.repeat(6)}-row`;
const forms = {
  plain: Buffer.from(canary),
  utf16: Buffer.from(canary, 'utf16le'),
  base64: Buffer.from(Buffer.from(canary.slice(0, 24)).toString('base64')),
};
const onLinux = existsSync('/proc/self/mem');

describe.skipIf(!onLinux)('after a suspension', () => {
  it('no process has a copy of the rows', { timeout: 120_000 }, async () => {
    using directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    const server = startKustody(['up', '--data', data, '--virtual-time', '--log-level', 'silent']);
    try {
      await server.printed('Stop with');
      const serverPid = server.process.pid ?? 0;
      const cluster = await openCluster(data);
      await cluster.command('.create table T (Note: string)');
      await cluster.command('.alter table T policy streamingingestion enable');
      expect(await cluster.ingest(Array.from({ length: 200 }, (_, n) => `${canary}-${n}`).join('\n'))).toBe(200);
      expect(await cluster.query('T | count')).toContain('200');
      expect(await cluster.query('T | where Note endswith "-199"')).toContain(`${canary}-199`);

      const before = descendantsOf(serverPid);
      const holding = before.filter((pid) => (countInMemory(pid, { plain: Buffer.from(canary) })['plain'] ?? 0) > 0);
      expect(holding.length).toBeGreaterThan(0); // the search finds what is there

      expect(await cluster.takeKeyAway()).toMatchObject([{ suspended: true }]);
      expect(await cluster.queryStatus('T | count')).toBe(503);
      const remaining = [serverPid, ...descendantsOf(serverPid)];
      for (const pid of holding) expect(remaining).not.toContain(pid);
      for (const pid of remaining) {
        expect({ pid, ...countInMemory(pid, forms) }).toEqual({ pid, plain: 0, utf16: 0, base64: 0 });
      }

      expect(await cluster.giveKeyBack()).toMatchObject([{ suspended: false }]);
      expect(await cluster.query('T | count')).toContain('200');
    } finally {
      server.process.kill('SIGTERM');
      await server.result;
    }
  });
});

async function openCluster(data: string) {
  const client = await findInstance(data);
  if (client === undefined) throw new Error('no server answers');
  const environment = await client.environment();
  const { clusterUri, vaultUri = '', keyName = '' } = await seed(environment, defaultSeed);
  const host = new URL(clusterUri).hostname;
  const token = await localToken(environment, 'https://kusto.kusto.windows.net');
  const vaultToken = await localToken(environment, 'https://vault.azure.net');
  const post = (path: string, csl: string) =>
    callLocal(environment, { host, method: 'POST', path, token, body: { db: defaultSeed.database, csl } });
  const enable = async (enabled: boolean): Promise<unknown> => {
    const vaultHost = new URL(vaultUri).hostname;
    const path = `/keys/${keyName}?api-version=7.4`;
    succeeded(
      await callLocal(environment, {
        host: vaultHost,
        method: 'PATCH',
        path,
        token: vaultToken,
        body: { attributes: { enabled } },
      }),
    );
    const { clusters } = (await client.call('POST', '/check-keys')) as { clusters: unknown };
    return clusters;
  };
  return {
    command: async (csl: string) => succeeded(await post('/v1/rest/mgmt', csl)),
    query: async (csl: string) => JSON.stringify(succeeded(await post('/v1/rest/query', csl))),
    queryStatus: async (csl: string) => (await post('/v2/rest/query', csl)).status,
    ingest: async (body: string) => {
      const answer = await sendLocal(
        { address: '127.0.0.1', port: environment.port, ca: environment.caCertificate },
        {
          ...{ host, method: 'POST', path: `/v1/rest/ingest/${defaultSeed.database}/T?streamFormat=csv` },
          headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
          body: Buffer.from(body),
          timeoutMs: 60_000,
          answerBytesMax: 1024 * 1024,
        },
      );
      const [table] = (JSON.parse(answer.body.toString()) as { Tables: { Rows: unknown[][] }[] }).Tables;
      return table?.Rows[0]?.[0];
    },
    takeKeyAway: () => enable(false),
    giveKeyBack: () => enable(true),
  };
}

/** Children of a process and theirs. */
function descendantsOf(pid: number): readonly number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name): [number, number][] => {
        try {
          const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
          return [[Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])]];
        } catch {
          return []; // it has ended meanwhile
        }
      }),
  );
  const found = [pid];
  for (let size = 0; size !== found.length;) {
    size = found.length;
    for (const [child, parent] of parents) if (found.includes(parent) && !found.includes(child)) found.push(child);
  }
  return found.slice(1);
}
