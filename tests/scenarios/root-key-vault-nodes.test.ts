import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isJsonObject } from '../../src/base/json.ts';
import type { Azurite } from '../support/azurite.ts';
import { startAzurite } from '../support/azurite.ts';
import type { StartedCommand } from '../support/kustody-command.ts';
import { startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import { openNodes } from '../support/nodes.ts';
import { openKeyOwner, vaultHost } from '../support/outside-vault.ts';
import { optionsOfPortsApart } from '../support/ports-apart.ts';
import type { Postgres } from '../support/postgres.ts';
import { hasPostgres, openPostgres, startPostgres } from '../support/postgres.ts';
import { countOf } from '../support/reading-nodes.ts';

const options = [
  ...['--port', '0', '--kusto-port', '0', '--proxy-port', '0', '--advertise', '127.0.0.1:0'],
  ...['--standby', '--seed'],
];
const noKey = { KUSTODY_ROOT_KEY: undefined };

describe.skipIf(!hasPostgres)('a root key in a vault of a state that nodes share', () => {
  const directory = temporaryDirectory();
  const [owned, credential] = [join(directory.path, 'owner'), join(directory.path, 'credential.json')];
  let server: Postgres | undefined;
  let azurite: Azurite | undefined;
  let owner: StartedCommand | undefined;
  beforeAll(async () => {
    owner = startKustody(['up', '--data', owned, '--log-level', 'silent', ...(await optionsOfPortsApart())]);
    [server, azurite] = await Promise.all([startPostgres(), startAzurite(), owner.printed('Stop with')]);
  });
  afterAll(async () => {
    owner?.process.kill('SIGTERM');
    await Promise.all([server?.stop(), azurite?.stop(), owner?.result]);
    directory[Symbol.dispose]();
  });

  it('is one, whoever is first: the other passes connections on, takes over, and needs the vault for a start alone', async () => {
    if (server === undefined || azurite === undefined) throw new Error('They have not started.');
    const keys = await openKeyOwner(owned);
    keys.writeCredential(credential, { identities: ['root-key'] });
    const inVault = ['--vault', `${vaultHost}=file:${credential}`, '--root-key-vault', await keys.kid()];
    await using nodes = await openNodes(server, azurite, 'root_key_vault');
    const start = (name: string): StartedCommand => nodes.startHaving(noKey, name, ...options, ...inVault);
    const both = (['east', 'west'] as const).map((name) => ({ name, node: start(name) }));
    const serving = await Promise.race(both.map(async (one) => one.node.printed('Stop with').then(() => one)));
    const standing = both.find((one) => one !== serving);
    if (standing === undefined) throw new Error('There are two nodes.');
    await standing.node.printed('are passed on');
    const made = await openLiveCluster(nodes.dataOf(serving.name));
    await made.command('.create table T (N: long)');
    await made.ingest('T', '1\n2\n3');
    const said: unknown = JSON.parse(readFileSync(join(nodes.dataOf(standing.name), 'standby.json'), 'utf8'));
    const port = isJsonObject(said) ? Number(said['port']) : 0;
    expect(await countOf(await openLiveCluster(nodes.dataOf(serving.name), made.seeded, port))).toBe(3);

    await keys.setKeyEnabled(false);
    nodes.signal(serving.node, 'SIGKILL');
    await standing.node.printed('Stop with');
    expect(await countOf(await openLiveCluster(nodes.dataOf(standing.name), made.seeded))).toBe(3);
    const refused = await start(serving.name).result;
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('(keyDisabled)')]);
    await keys.setKeyEnabled(true);
    await start(serving.name).printed('are passed on');

    const store = await openPostgres(server.url('root_key_vault'), { alone: false });
    expect((await store.list('seal')).map(({ id }) => id)).toEqual(['check', 'root key in a vault']);
    await store.close();
  });
});
