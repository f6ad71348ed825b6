import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findInstance } from '../../src/cli/control-client.ts';
import { localToken } from '../../src/server/local-client.ts';
import { sendLocal } from '../../src/server/local-request.ts';
import { defaultSeed } from '../../src/server/seed.ts';
import { startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import { countInMemory } from '../support/process-memory.ts';

const canary = `planted-${'w4Kd'.repeat(6)}-row`;
const forms = {
  plain: Buffer.from(canary),
  utf16: Buffer.from(canary, 'utf16le'),
  base64: Buffer.from(Buffer.from(canary.slice(0, 24)).toString('base64')),
};

describe.skipIf(!existsSync('/proc/self/mem'))('rows that go over localhost', () => {
  it('are never in the main process', async () => {
    using directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    const server = startKustody(['up', '--data', data, '--log-level', 'silent']);
    try {
      await server.printed('Stop with');
      const { command, environment } = await openLiveCluster(data);
      await command('.create table T (Note: string)');
      await command('.alter table T policy streamingingestion enable');
      const control = await findInstance(data);
      const { kustoPort } = control?.file ?? { kustoPort: 0 };
      const token = await localToken(environment, 'https://kusto.kusto.windows.net');
      const send = (path: string, type: string, body: string) =>
        sendLocal(
          { address: '127.0.0.1', port: kustoPort, ca: environment.caCertificate },
          {
            ...{ host: 'localhost', method: 'POST', path, timeoutMs: 60_000, answerBytesMax: 64 * 1024 * 1024 },
            headers: { authorization: `Bearer ${token}`, 'content-type': type },
            body: Buffer.from(body),
          },
        );
      const rows = Array.from({ length: 2_000 }, (_, n) => `${canary}-${n}`).join('\n');
      const ingested = await send(`/v1/rest/ingest/${defaultSeed.database}/T?streamFormat=csv`, 'text/csv', rows);
      expect(ingested.status).toBe(200);
      const asked = JSON.stringify({ db: defaultSeed.database, csl: `T | where Note startswith "${canary}"` });
      for (const path of ['/v2/rest/query', '/v1/rest/query']) {
        const answer = await send(path, 'application/json', asked);
        expect(answer.status).toBe(200);
        expect(answer.body.toString().split(canary).length).toBeGreaterThan(2_000);
      }
      const pid = server.process.pid ?? 0;
      expect(countInMemory(pid, { port: Buffer.from(environment.clientId) })['port']).toBeGreaterThan(0); // the search finds what is there
      expect(countInMemory(pid, forms)).toEqual({ plain: 0, utf16: 0, base64: 0 });
    } finally {
      server.process.kill('SIGTERM');
      await server.result;
    }
  });
});
