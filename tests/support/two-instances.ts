import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { findInstance } from '../../src/cli/control-client.ts';
import { firstRows } from '../../src/cli/promote/kusto-database.ts';
import type { InstanceEnvironment } from '../../src/server/instance-environment.ts';
import { callLocal, localToken } from '../../src/server/local-client.ts';
import type { CommandResult, StartedCommand } from './kustody-command.ts';
import { kustody, startKustody, temporaryDirectory } from './kustody-command.ts';

export interface ServedInstance {
  readonly data: string;
  readonly server: StartedCommand;
  readonly environment: InstanceEnvironment;
  /** What `kustody env` tells programs that work on it. */
  readonly variables: Readonly<Record<string, string>>;
  /** A query or a command. @returns the rows of its first table */
  query(database: string, text: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** Two instances with a cluster each, `origin` and `onward`, of which the first one reaches the storage of the second as it would reach
 * Azure's. */
export interface TwoInstances extends AsyncDisposable {
  readonly origin: ServedInstance;
  readonly onward: ServedInstance;
  /** Addresses that came to the second one's storage, without signatures. */
  readonly stored: readonly string[];
  /** From so many writes on it does what the next one asks and keeps the answer back, so that whoever asked comes no further.
   * @returns gives all answers again */
  holdAnswers(writes: number): () => void;
  /** Runs `kustody promote` from the one to the other. */
  promote(...args: readonly string[]): StartedCommand;
}

const vaults = `
vaults:
  - name: both-keys
    enablePurgeProtection: true
    keys:
      - name: cluster-key
clusters:`;
const seeds = {
  origin: `${vaults}
  - name: origin
    key: { vault: both-keys, name: cluster-key }
    databases: [{ name: db, softDeletePeriod: P300D, hotCachePeriod: P3D }, { name: Second }]
roles:
  - principal: clusters/origin
    role: Key Vault Crypto Service Encryption User
    scope: vaults/both-keys/keys/cluster-key
`,
  onward: `${vaults}
  - name: onward
    databases: [{ name: Second }]
`,
};

export const onwardUri = 'https://onward.eastus.kusto.windows.net';

export async function startTwoInstances(): Promise<TwoInstances> {
  const directory = temporaryDirectory();
  const onward = await serve(directory.path, 'onward', []);
  const stored: string[] = [];
  let held: { readonly after: number; readonly until: Promise<void> } | undefined;
  const written = (): number => stored.filter((line) => line.startsWith('PUT')).length;
  const relay = await relayTo(onward.environment, (line) => {
    stored.push(line);
    return held !== undefined && written() > held.after ? held.until : undefined;
  });
  const { port } = relay.address() as AddressInfo;
  const accounts = onward.environment.clusters
    .flatMap(({ storageHosts }) => storageHosts)
    .flatMap((host) => /^([^.]+)\.blob\./.exec(host)?.[1] ?? []);
  const mapped = accounts.flatMap((name) => ['--storage-account', `${name}=http://127.0.0.1:${port}/${name}`]);
  const origin = await serve(directory.path, 'origin', mapped);
  return {
    ...{ origin, onward, stored },
    holdAnswers: (writes) => {
      let release = (): void => undefined;
      const until = new Promise<void>((resolve) => (release = resolve));
      held = { after: written() + writes, until };
      return () => {
        held = undefined;
        release();
      };
    },
    promote: (...args) =>
      startKustody(['promote', '--data', origin.data, '--to', onwardUri, ...args], onward.variables),
    [Symbol.asyncDispose]: async () => {
      for (const { server } of [origin, onward]) server.process.kill('SIGKILL');
      await Promise.all([origin.server.result, onward.server.result]);
      relay.closeAllConnections();
      relay.close();
      directory[Symbol.dispose]();
    },
  };
}

async function serve(path: string, name: keyof typeof seeds, more: readonly string[]): Promise<ServedInstance> {
  const [data, seed] = [join(path, name), join(path, `${name}-seed`)];
  mkdirSync(seed);
  writeFileSync(join(seed, 'kustody.yaml'), seeds[name]);
  const ports = ['--port', '0', '--kusto-port', '0', '--proxy-port', '0'];
  const server = startKustody(['up', '--data', data, '--seed', seed, '--log-level', 'silent', ...ports, ...more]);
  await server.printed('Stop with');
  const environment = await (await findInstance(data))?.environment();
  if (environment === undefined) throw new Error('It does not serve.');
  // What is null must not be there.
  const given = JSON.parse(await told(kustody(['env', '--data', data, '--format', 'json']))) as object;
  const variables = Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  return {
    ...{ data, server, environment, variables },
    query: async (db, csl) => {
      const token = await localToken(environment, 'https://kusto.kusto.windows.net');
      const path = `/v1/rest/${csl.startsWith('.') ? 'mgmt' : 'query'}`;
      const host = `${name}.eastus.kusto.windows.net`;
      return firstRows(await callLocal(environment, { host, method: 'POST', path, token, body: { db, csl } }));
    },
  };
}

export async function told(run: Promise<CommandResult>): Promise<string> {
  const { code, stdout, stderr } = await run;
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** Passes on to storage under its own name, which a name server would lead to.
 * @param asked hears of each request, and says until when its answer is kept back */
async function relayTo(
  { port, caCertificate }: InstanceEnvironment,
  asked: (line: string) => Promise<void> | undefined,
): Promise<Server> {
  const server = createServer((incoming, answer) => {
    const [, account = '', rest = ''] = /^\/([^/]+)(\/.*)$/.exec(incoming.url ?? '') ?? [];
    const host = `${account}.blob.core.windows.net`;
    const until = asked(`${incoming.method ?? ''} ${rest.split('?')[0] ?? ''}`);
    const onward = httpsRequest(
      {
        ...{ host: '127.0.0.1', port, servername: host, ca: caCertificate, method: incoming.method, path: rest },
        ...{ headers: { ...incoming.headers, host }, agent: false },
      },
      (reply) => {
        const pass = (): void => {
          answer.writeHead(reply.statusCode ?? 502, reply.headers);
          pipeline(reply, answer, () => undefined);
        };
        if (until === undefined) pass();
        else void until.then(pass);
      },
    );
    onward.on('error', () => answer.destroy());
    pipeline(incoming, onward, () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
