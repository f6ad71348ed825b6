import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../src/base/json.ts';
import { isJsonObject, textMember } from '../../src/base/json.ts';
import { findInstance } from '../../src/cli/control-client.ts';
import { callLocal, localToken, succeeded as succeededCall } from '../../src/server/local-client.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import type { CommandResult } from '../support/kustody-command.ts';
import { kustody } from '../support/kustody-command.ts';
import { until } from '../support/until.ts';
import { openRootKeyOwner } from '../support/root-key-vault.ts';

const canary = 'wrapped-backup-canary-7a20c4';
let owner: Awaited<ReturnType<typeof openRootKeyOwner>>;
beforeAll(async () => {
  owner = await openRootKeyOwner();
});
afterAll(() => owner.close());

const succeeded = async (args: readonly string[], variables: Readonly<Record<string, string>> = {}) => {
  const result = await kustody(args, variables);
  expect([result.code, result.code === 0 ? '' : result.stderr]).toEqual([0, '']);
  return result.stdout;
};
const refused = ({ code, stderr }: CommandResult): string => (code === 1 ? stderr : `ended with ${code}`);
const queryAt = (data: string, text: string) => kustody(['query', '--data', data, text, '--format', 'csv']);
const done = async (data: string, text: string): Promise<string> => {
  const { code, stdout, stderr } = await queryAt(data, text);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
};

async function served(data: string, args: readonly string[], work: () => Promise<void>): Promise<void> {
  const server = await owner.serve(data, args);
  await work().finally(() => owner.stop(server));
}

/** The root key of a state that nobody serves, as the owner of the vault alone can have it. */
async function rootKeyIn(data: string, kid: string): Promise<Buffer> {
  const store = SqliteStateStore.open(data);
  const record: unknown = JSON.parse(
    Buffer.from((await store.get('seal', 'root key in a vault'))?.value ?? '').toString(),
  );
  await store.close();
  const wrapped = isJsonObject(record) ? textMember(record, 'wrapped') : '';
  return Buffer.from(await owner.keys.unwrap(kid, wrapped), 'base64url');
}

/** Of a vault of the instance itself. */
async function callVault(data: string, method: string, url: string, body: Json): Promise<void> {
  const environment = await (await findInstance(data))?.environment();
  if (environment === undefined) throw new Error('No server answers.');
  const { host, pathname } = new URL(url);
  const token = await localToken(environment, 'https://vault.azure.net');
  const path = `${pathname}?api-version=7.4`;
  succeededCall(await callLocal(environment, { host, method, path, token, body }));
}
const disable = (data: string, kid: string): Promise<void> =>
  callVault(data, 'PATCH', kid, { attributes: { enabled: false } });
const newVersionOf = (data: string, kid: string): Promise<void> =>
  callVault(data, 'POST', kid.replace(/[^/]+$/, 'create'), { kty: 'RSA', key_size: 2048 });

function expectNowhere(directory: string, secrets: readonly (Buffer | string)[]): void {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => join(directory, name));
  for (const file of files.filter((path) => statSync(path).isFile())) {
    const bytes = readFileSync(file);
    for (const secret of secrets) expect([file, bytes.includes(secret)]).toEqual([file, false]);
  }
}

describe('backups of an instance whose root key is in a vault', () => {
  it('have it as the vault has wrapped it, say by which key, and give the instance back with the use of that', async () => {
    const kid = await owner.keys.kid();
    const inVault = owner.now(kid);
    const [data, live, stopped, back] = ['data', 'live', 'stopped', 'back'].map(owner.placeOf) as [
      ...[string, string, string, string],
    ];
    await served(data, [...inVault, '--seed'], async () => {
      await done(data, '.create table T (A:long, B:string)');
      await done(data, `.set-or-append T <| range A from 1 to 9000 step 1 | extend B = strcat('${canary}', A)`);
      const json = JSON.parse(await succeeded(['backup', '--data', data, '--to', live, '--json'])) as unknown;
      expect(json).toMatchObject({ rootKeyKid: kid });
      const audit = ['audit', 'show', '--data', data, '--operation', 'InstanceBackup', '--json'];
      expect(await succeeded(audit)).toContain(live);
    });
    const backup = ['backup', '--data', data, '--to', stopped];
    expect(refused(await kustody(backup))).toContain(`wrapped by ${kid}`);
    expect(await succeeded([...backup, ...inVault])).toContain(`wrapped by ${kid}`);
    const rootKey = await rootKeyIn(data, kid);
    expect(rootKey.byteLength).toBe(32);
    const secrets = [rootKey, ...(['hex', 'base64', 'base64url'] as const).map((form) => rootKey.toString(form))];
    for (const copy of [live, stopped]) expectNowhere(copy, [canary, ...secrets]);

    for (const [copy, to] of [
      [live, back],
      [stopped, owner.placeOf('back again')],
    ] as const) {
      const restore = ['restore', '--from', copy, '--to', to];
      expect(refused(await kustody([...restore, '--accept-rollback']))).toContain(`wrapped by ${kid}`);
      expect(refused(await kustody([...restore, ...inVault]))).toContain('Give --accept-rollback');
      expect(await succeeded([...restore, '--accept-rollback', ...inVault])).toContain(`wrapped by ${kid}`);
      await served(to, inVault, async () => {
        expect(await done(to, `T | where B startswith '${canary}' | count`)).toContain('9000');
      });
      expectNowhere(to, secrets);
    }
  });

  it('stay with the version that had wrapped it then, and end with it', async () => {
    const kid = await owner.keys.kid();
    const [data, stopped] = [owner.placeOf('older'), owner.placeOf('older copy')];
    await served(data, owner.now(kid), () => Promise.resolve());
    const backup = ['backup', '--data', data, '--to', stopped];
    await succeeded([...backup, ...owner.now(kid)]);
    await owner.keys.newVersion();
    const newer = await owner.keys.kid();
    await succeeded(['root-key', 'rewrap', '--data', data, ...owner.now(newer), '--old-root-key-vault', kid]);
    const restore = ['restore', '--from', stopped, '--to', owner.placeOf('late'), '--accept-rollback'];
    expect(refused(await kustody([...restore, ...owner.now(newer)]))).toContain(`wrapped by ${kid}, and not by`);
    await owner.keys.setVersionEnabled(kid, false);
    expect(refused(await kustody([...restore, ...owner.now(kid)]))).toContain('(keyDisabled)');
    expect(await succeeded([...backup, ...owner.now(newer)])).toContain(`wrapped by ${newer}`);
    await succeeded([...restore, ...owner.now(newer)]);
  });

  it('of one cluster set it back under the vault of now, and what was taken away since stays so', async () => {
    const kid = await owner.keys.kid();
    const [data, copy, stopped] = ['of one', 'rows', 'rows of the stopped'].map(owner.placeOf) as [
      ...[string, string, string],
    ];
    const backup = ['backup', '--data', data, '--cluster', 'kustody', '--json', '--to'];
    let clusterKey = '';
    await served(data, [...owner.now(kid), '--seed'], async () => {
      await done(data, '.create table T (A:long, B:string)');
      await done(data, `.set-or-append T <| range A from 1 to 900 step 1 | extend B = '${canary}'`);
      await done(data, '.set-or-append Barred <| print A = 1');
      const json: unknown = JSON.parse(await succeeded([...backup, copy]));
      expect(json).toMatchObject({ rootKeyKid: kid });
      clusterKey = isJsonObject(json) && isJsonObject(json['cluster']) ? textMember(json['cluster'], 'kid') : '';
      expect(clusterKey).toMatch(/^https:\/\/kustody-keys\./);
      await done(data, '.clear table T data');
      await done(data, '.alter table Barred policy restricted_view_access true');
    });
    expect(refused(await kustody([...backup, stopped]))).toContain(`wrapped by ${kid}`);
    const told: unknown = JSON.parse(await succeeded([...backup, stopped, ...owner.now(kid)]));
    expect(told).toMatchObject({ rootKeyKid: kid, cluster: { kid: clusterKey } });
    const rootKey = await rootKeyIn(data, kid);
    for (const at of [copy, stopped]) expectNowhere(at, [canary, rootKey]);

    await owner.keys.newVersion();
    const newer = await owner.keys.kid();
    await succeeded(['root-key', 'rewrap', '--data', data, ...owner.now(newer), '--old-root-key-vault', kid]);
    await owner.keys.setVersionEnabled(kid, false);
    const restore = ['restore', '--from', copy, '--cluster', 'kustody', '--to', data, '--accept-rollback'];
    expect(refused(await kustody(restore))).toContain(`wrapped by ${newer}`);
    expect(refused(await kustody([...restore, ...owner.now(kid)]))).toContain(`is wrapped by ${newer}, and not by`);
    await succeeded([...restore, ...owner.now(newer)]);
    await served(data, owner.now(newer), async () => {
      expect(await done(data, 'T | count')).toContain('900');
      expect(await queryAt(data, 'Barred | count')).toMatchObject({ code: 1 });
      await disable(data, clusterKey);
    });
    await succeeded([...restore, ...owner.now(newer)]);
    await served(data, owner.now(newer), async () => {
      const { code, stdout, stderr } = await queryAt(data, 'T | take 1');
      expect([code, stderr]).toEqual([1, expect.stringContaining('disabled')]);
      expect(stdout).not.toContain(canary);
    });
  });

  it('of one cluster are moved to the next version of its key by whoever may use the key that wraps the root key', async () => {
    const kid = await owner.keys.kid();
    const [data, copy] = ['moved on', 'moved on copy'].map(owner.placeOf) as [string, string];
    const rewrap = ['backup', 'rewrap', '--data', data, '--cluster', 'kustody', '--to', copy, '--json'];
    let newer = '';
    await served(data, [...owner.now(kid), '--seed'], async () => {
      await done(data, `.set-or-append T <| range A from 1 to 900 step 1 | extend B = '${canary}'`);
      const backup = ['backup', '--data', data, '--cluster', 'kustody', '--to', copy, '--json'];
      const { cluster } = JSON.parse(await succeeded(backup)) as { readonly cluster: { readonly kid: string } };
      await newVersionOf(data, cluster.kid);
      await succeeded(['check-keys', '--data', data]);
      await owner.keys.newVersion();
      newer = await owner.keys.kid();
      await succeeded(['root-key', 'rewrap', '--data', data, '--root-key-vault', newer]);
      expect(refused(await kustody(rewrap))).toContain(`wrapped by ${newer}`);
      expect(refused(await kustody([...rewrap, ...owner.now(kid)]))).toContain(
        `is wrapped by ${newer}, and not by ${kid}`,
      );
      await until(async () => {
        const said: unknown = JSON.parse(await succeeded([...rewrap, ...owner.now(newer)]));
        if (!isJsonObject(said) || said['before'] === null) return false; // the cluster has not taken the new version yet
        expect(said).toMatchObject({ before: cluster.kid, rootKeyKid: newer });
        expect(said['cluster']).not.toMatchObject({ kid: cluster.kid });
        return true;
      });
      await done(data, '.clear table T data');
      await disable(data, cluster.kid);
      expectNowhere(copy, [canary]);
    });
    const restore = ['restore', '--from', copy, '--cluster', 'kustody', '--to', data, '--accept-rollback'];
    await succeeded([...restore, ...owner.now(newer)]);
    await served(data, owner.now(newer), async () => {
      expect(await done(data, 'T | count')).toContain('900');
    });
  });
});
