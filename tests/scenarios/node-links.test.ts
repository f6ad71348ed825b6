import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isJsonObject } from '../../src/base/json.ts';
import { dialNode } from '../../src/http/dial-node.ts';
import { issueNodeCertificate } from '../../src/http/node-authority.ts';
import { secureTo } from '../../src/http/node-tls.ts';
import { startSystemTimer } from '../../src/http/timer.ts';
import { nodeAuthorityTable, rootId } from '../../src/server/authority.ts';
import { callLocal } from '../../src/server/local-client.ts';
import { nodesKey } from '../../src/server/standing-by.ts';
import { parseRootKey } from '../../src/state/root-key.ts';
import { readSealedRecord } from '../../src/state/sealed/read-record.ts';
import type { Azurite } from '../support/azurite.ts';
import { startAzurite } from '../support/azurite.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import { openNodes } from '../support/nodes.ts';
import type { Postgres } from '../support/postgres.ts';
import { databasePassword, hasPostgres, startPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const portIn = (data: string): number => {
  const said: unknown = JSON.parse(readFileSync(join(data, 'standby.json'), 'utf8'));
  return isJsonObject(said) ? Number(said['port']) : 0;
};

const options = [
  ...['--port', '0', '--kusto-port', '0', '--proxy-port', '0', '--advertise', '127.0.0.1:0'],
  ...['--readers', '--log-level', 'debug'],
];

describe.skipIf(!hasPostgres)('what nodes say to each other', () => {
  let server: Postgres | undefined;
  let azurite: Azurite | undefined;
  beforeAll(async () => {
    [server, azurite] = await Promise.all([startPostgres(), startAzurite()]);
  });
  afterAll(() => Promise.all([server?.stop(), azurite?.stop()]));

  it('is for nodes that the state knows now, under a key that lies nowhere in the clear', async () => {
    if (server === undefined || azurite === undefined) throw new Error('They have not started.');
    await using nodes = await openNodes(server, azurite, 'links');
    const east = nodes.start('east', '--seed', ...options);
    await east.printed('Stop with');
    const west = nodes.start('west', '--standby', ...options);
    await west.printed('are passed on');
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port: server.port, user: 'kustody', database: 'postgres', password: databasePassword },
    });
    await client.connect();
    await client.query('SET search_path = links');
    const rowsOf = async (text: string, values: string[] = []): Promise<Record<string, unknown>[]> =>
      (await client.query<Record<string, unknown>>(text, values)).rows;

    // A cluster is read at `west`: the two speak.
    const writer = await openLiveCluster(nodes.dataOf('east'));
    const reader = await openLiveCluster(nodes.dataOf('east'), writer.seeded, portIn(nodes.dataOf('west')));
    const logOf = (name: string): string => readFileSync(join(nodes.dataOf(name), 'kustody.log'), 'utf8');
    await writer.command('.create table T (N: long)');
    await writer.ingest('T', '1');
    await until(async () => {
      await reader.query('T | count');
      return logOf('west').includes('reader-process-started');
    });

    // Asked there, the one that serves answers whether it is ready.
    const { environment } = writer;
    const ready = async (port: number): Promise<number> =>
      (await callLocal({ ...environment, port }, { host: 'localhost', method: 'GET', path: '/readyz' })).status;
    expect(await ready(portIn(nodes.dataOf('west')))).toBe(200);

    // Whoever has the root key can make a certificate, and is no node for that.
    const rootKey = parseRootKey(nodes.secrets.KUSTODY_ROOT_KEY);
    const read = async (table: string, id: string) => {
      const [row] = await rowsOf('SELECT version, value FROM record WHERE tab = $1 AND id = $2', [table, id]);
      return row && { table, id, version: Number(row['version']), value: row['value'] as Buffer };
    };
    const root = await readSealedRecord(read, { rootKey }, nodeAuthorityTable, rootId);
    if (root === undefined) throw new Error('There is no authority of nodes.');
    const [serving] = await rowsOf(`SELECT w.node::text, h.advertised FROM writer w JOIN heartbeat h USING (handle)`);
    const [eastId, advertised] = [String(serving?.['node']), String(serving?.['advertised']).split(' ')[0] ?? ''];
    const [standby] = await rowsOf('SELECT id::text FROM node WHERE id <> $1', [eastId]);
    const open = async (node: string) => {
      const port = Number(advertised.split(':')[1]);
      const to = { id: 'x', host: '127.0.0.1', port, advertised, key: nodesKey(rootKey) };
      const with_ = { startTimer: startSystemTimer, dialMs: 2_000 };
      const socket = await new Promise<Socket | undefined>((resolve) =>
        dialNode(to, with_, { to: 'reader', clientAddress: '::1' }, resolve),
      );
      if (socket === undefined) throw new Error('The port of nodes does not answer.');
      const own = await issueNodeCertificate(root, { node, role: 'client', wallMs: Date.now() });
      return secureTo(socket, own, eastId);
    };
    const dial = async (node: string): Promise<boolean> => {
      const secured = await open(node);
      return new Promise((resolve) => {
        secured.once('data', () => (resolve(true), secured.destroy())); // a frame without content: it lives
        secured.on('error', () => undefined).once('end', () => resolve(false));
      });
    };
    const westId = String(standby?.['id']);
    expect(await dial(westId)).toBe(true);
    const other = '00000000-0000-4000-8000-000000000001';
    expect(await dial(other)).toBe(false);

    // A link that is open ends with the row of its node, and those of others go on.
    await rowsOf(
      `INSERT INTO node (id, host, version, oldest, newest, seen)
       SELECT $1::uuid, host, version, oldest, newest, clock_timestamp() FROM node WHERE id = $2::uuid`,
      [other, westId],
    );
    const [ending, staying] = [await open(other), await open(westId)];
    const alive = await Promise.all([once(ending, 'data'), once(staying, 'data')]);
    expect(alive).toHaveLength(2);
    const ends = new Promise((resolve) => ending.resume().on('error', resolve).on('close', resolve)); // it is written to
    let words = 0;
    staying.on('data', (piece: Buffer) => (words += piece.length)).on('error', () => undefined);
    const clientSays = setInterval(() => [ending, staying].map((one) => one.write(Buffer.alloc(4))), 500);
    await rowsOf('DELETE FROM node WHERE id = $1::uuid', [other]);
    await ends;
    await until(() => logOf('east').match(/NODE_NOT_REGISTERED/g)?.length === 2);
    const heard = words;
    await until(() => words > heard);
    clearInterval(clientSays);
    expect(staying.destroyed).toBe(false);
    staying.destroy();

    west.process.kill('SIGTERM');
    await west.result;
    // It took its row away while the link of its process was open: that may have been cut off, too, before it ended.
    const refused = (): number => logOf('east').match(/NODE_NOT_REGISTERED/g)?.length ?? 0;
    const cut = refused() - 2;
    expect([0, 1]).toContain(cut);
    expect(await dial(westId)).toBe(false);
    expect(refused()).toBe(3 + cut);

    // What the key is lies sealed in the database, and nowhere else.
    const { d = '' } = createPrivateKey(root.privateKeyPem).export({ format: 'jwk' });
    const secret = Buffer.from(d, 'base64url');
    expect(root.privateKeyPem).toContain(secret.toString('base64').slice(0, 16));
    const forms = [
      ...[secret.toString('base64').slice(0, 16), d.slice(0, 16)],
      ...[secret.toString('hex'), secret.toString('hex').toUpperCase(), secret.toString('latin1')],
    ];
    east.process.kill('SIGTERM');
    const said = await Promise.all([east.result, west.result]);
    const files = readdirSync(join(nodes.dataOf('east'), '..'), { recursive: true, withFileTypes: true });
    const stored = await rowsOf('SELECT value FROM record');
    const held = [
      ...files.filter((file) => file.isFile()).map((file) => readFileSync(join(file.parentPath, file.name), 'latin1')),
      ...stored.map((row) => (row['value'] as Buffer).toString('latin1')),
      ...said.map((output) => JSON.stringify(output)),
    ];
    await client.end();
    expect(held.length).toBeGreaterThan(50);
    expect(held.filter((text) => forms.some((form) => text.includes(form)))).toEqual([]);
  });
});
