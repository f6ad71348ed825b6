import { defaultSeed } from '../../src/server/seed.ts';
import type { Ledger } from './ledger.ts';
import { gone, there } from './ledger.ts';
import type { LiveServer } from './live-server.ts';
import { RefusedError } from './live-server.ts';
import type { Doing, Lane, Work } from './work.ts';
import { isBack, isLost } from './work.ts';

/** So many are left, so that there is something to lose. */
const kept = 3;
const deletedAtOnce = 2;
const location = defaultSeed.region;

interface Things {
  readonly noun: string;
  /** Of those that are made here. */
  readonly prefix: string;
  readonly changesCluster?: boolean;
  /** How it may be found when its making was interrupted. */
  readonly half?: string;
  readonly make: (server: LiveServer, name: string) => Promise<unknown>;
  /** Of what may be gone already. */
  readonly remove: (server: LiveServer, name: string) => Promise<unknown>;
  /** Names, and the state of each. */
  readonly list: (server: LiveServer) => Promise<readonly (readonly [string, string])[]>;
}

/** Things are made, and older ones deleted: what is deleted stays so. */
function workWith({ noun, prefix, changesCluster = false, half, make, remove, list }: Things): Work {
  const [making, removing] = [`${noun}s`, `deletion of ${noun}s`];
  const lane = (server: LiveServer, ledger: Ledger, doing: Doing): Lane => ({
    kinds: [making, removing],
    changesCluster,
    once: async (number) => {
      const name = `${prefix}${number}`;
      if (half !== undefined) ledger.sent(name, half);
      await doing(making, () => ledger.change(name, there, () => make(server, name)));
      const old = ledger.not(gone).filter((other) => other !== name);
      for (const other of old.slice(0, -kept).slice(0, deletedAtOnce))
        await doing(removing, () => ledger.change(other, gone, () => ifThere(remove(server, other))));
    },
  });
  return {
    noun,
    kinds: [making, removing],
    lanes: (server, ledger, doing) => [lane(server, ledger, doing)],
    found: async (server) => new Map((await list(server)).filter(([name]) => name.startsWith(prefix))),
    losses: [isLost, isBack],
  };
}

/** Somebody has deleted it before us: that was us, and we were killed. */
async function ifThere(removed: Promise<unknown>): Promise<void> {
  await removed.catch((error: unknown) => {
    if (!(error instanceof RefusedError && error.status === 404)) throw error;
  });
}

/** Each with a row, made in one command. */
const tables = workWith({
  noun: 'table',
  prefix: 'Made',
  make: (server, name) => server.command(`.set ${name} <| print Id = '${name}'`),
  remove: (server, name) => server.command(`.drop table ${name} ifexists`),
  list: async (server) =>
    (await server.show('.show tables details')).map(
      (row) => [String(row[0]), Number(row[7]) === 1 ? there : `there with ${Number(row[7])} rows`] as const,
    ),
});

/** The resource manager and the cluster must be of one mind. */
const databases = workWith({
  noun: 'database',
  prefix: 'made-',
  changesCluster: true,
  make: (server, name) =>
    server.arm('PUT', `${server.cluster}/databases/${name}`, 'kusto', { location, kind: 'ReadWrite' }),
  remove: (server, name) => server.arm('DELETE', `${server.cluster}/databases/${name}`, 'kusto'),
  list: async (server) => {
    const resources = await listed(server, `${server.cluster}/databases`, 'kusto');
    const names = resources.map(({ name }) => name.slice(name.indexOf('/') + 1));
    const known = new Set((await server.show('.show databases')).map(([name]) => String(name)));
    return [
      ...names.map((name) => [name, known.has(name) ? there : 'unknown to the cluster'] as const),
      ...[...known].filter((name) => !names.includes(name)).map((name) => [name, 'known to the cluster only'] as const),
    ];
  },
});

/** Each with an identity, which goes with it. */
const groups = workWith({
  noun: 'resource group',
  prefix: 'made-',
  half: 'there without its identity',
  make: async (server, name) => {
    const path = `${server.subscription}/resourceGroups/${name}`;
    await server.arm('PUT', path, 'resources', { location });
    const identity = `${path}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
    await server.arm('PUT', identity, 'identity', { location });
  },
  remove: (server, name) => server.arm('DELETE', `${server.subscription}/resourceGroups/${name}`, 'resources'),
  list: async (server) => {
    const found = await listed(server, `${server.subscription}/resourceGroups`, 'resources');
    const path = `${server.subscription}/providers/Microsoft.ManagedIdentity/userAssignedIdentities`;
    const identities = new Set((await listed(server, path, 'identity')).map(({ name }) => name));
    const names = found.map(({ name }) => name);
    return [
      ...names.map((name) => [name, identities.has(name) ? there : 'there without its identity'] as const),
      ...[...identities].filter((name) => !names.includes(name)).map((name) => [name, 'an identity alone'] as const),
    ];
  },
});

async function listed(
  server: LiveServer,
  path: string,
  version: Parameters<LiveServer['arm']>[2],
): Promise<readonly { readonly name: string }[]> {
  const all: { name: string }[] = [];
  for (let next: string | undefined = path; next !== undefined;) {
    const { value } = await server.arm('GET', next, version);
    const page = value as { readonly value: { name: string }[]; readonly nextLink?: string };
    all.push(...page.value);
    next = page.nextLink === undefined ? undefined : new URL(page.nextLink).pathname + new URL(page.nextLink).search;
  }
  return all;
}

export const things: readonly Work[] = [tables, databases, groups];
