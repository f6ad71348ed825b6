import { createHash } from 'node:crypto';
import type { RoleHolder } from '../../src/authz/kusto-roles.ts';
import type { NamedPrincipal } from '../../src/authz/role-changes.ts';
import { afterChange } from '../../src/authz/role-changes.ts';
import type { Guid } from '../../src/base/guid.ts';
import { parseGuid } from '../../src/base/guid.ts';
import { newGuid } from '../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { instant } from '../../src/clock/clock.ts';
import type { Clock } from '../../src/clock/clock.ts';
import type { ClusterIdentity } from '../../src/database/catalog/managed-identity.ts';
import type { CommandAnswer } from '../../src/database/commands/command.ts';
import type { CommandContext, RoleSettings } from '../../src/database/commands/command-context.ts';
import type { DataQueries } from '../../src/database/ingest/update-query.ts';
import { runCommand } from '../../src/database/commands/run-command.ts';
import type { KqlParser } from '../../src/kql/parser/parser-client.ts';
import { createKqlParser } from '../../src/kql/parser/parser-client.ts';
import type { QueryEngine } from '../../src/kql/query-engine.ts';
import { createQueryEngine } from '../../src/kql/query-engine.ts';
import { parserEntry, parserSnapshots } from '../../src/kql/testing/parser-entry.ts';
import type { DataFixture, DataFixtureOptions } from './cluster-data-fixture.ts';
import { openDataFixture, started } from './cluster-data-fixture.ts';
import { functionFacts } from '../../src/kql/language.ts';

export type Answer = readonly Readonly<Record<string, unknown>>[];

export interface CommandFixture {
  readonly data: DataFixture;
  readonly engine: QueryEngine;
  readonly context: CommandContext;
  /** Rows as objects by column. */
  readonly run: (text: string, change?: Partial<CommandContext>) => Promise<Answer>;
  readonly answer: (text: string, change?: Partial<CommandContext>) => Promise<CommandAnswer>;
  /** Work that `async` commands left. */
  readonly settle: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const guid = (text: string): Guid => parseGuid(text) ?? newGuid(systemRandomBytes);
const tenantId = guid('cccccccc-0000-0000-0000-000000000000');

/** The cluster's own and one of a user's, with the id that pages of the documentation give theirs. */
export const clusterIdentities: readonly ClusterIdentity[] = [
  {
    ...{
      objectId: guid('99999999-0000-0000-0000-000000000000'),
      clientId: guid('99999999-0000-0000-0000-000000000001'),
    },
    ...{ tenantId, displayName: 'contoso', isSystem: true },
  },
  {
    ...{
      objectId: guid('aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb'),
      clientId: guid('aaaaaaaa-0000-0000-0000-000000000001'),
    },
    ...{ tenantId, displayName: 'myManagedIdentity', isSystem: false },
  },
];

/** The same id for the same text. */
export function principalOf(text: string): NamedPrincipal {
  const [kind = '', id = ''] = text.split('=');
  const hex = createHash('sha256').update(text).digest('hex');
  const objectId = parseGuid(hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'));
  if (objectId === undefined) throw new Error('a hash makes a guid');
  const principalType = kind === 'aadapp' ? 'App' : kind === 'aadgroup' ? 'Group' : 'User';
  return {
    principalType,
    displayName: id,
    objectId,
    fqn: `${kind.toLowerCase()}=${id.includes(';') ? id : `${id};tenant`}`,
  };
}

export const openTestParser = (): KqlParser =>
  createKqlParser({
    entry: parserEntry,
    snapshots: parserSnapshots,
    limits: { textMax: 2_000_000, parseMsMax: 20_000 },
    functions: functionFacts,
    after: (ms, act) => {
      const timer = setTimeout(act, ms);
      return () => clearTimeout(timer);
    },
  });

/** Commands on a cluster whose data is in memory, with the real parser. The caller is an administrator of everything. */
export async function openCommandFixture(options: DataFixtureOptions = {}): Promise<CommandFixture> {
  const parser = openTestParser();
  // Whichever comes first: data runs queries, and they run on its engine.
  const queries: DataQueries = {
    programOf: (request) => engine.programOf(request),
    prepareRows: (source, request) => engine.prepareRows(source, request),
  };
  const data = await openDataFixture({ ...options, queries });
  const engine = rememberingParses(createQueryEngine({ parser, database: data.engine }));
  const work: Promise<void>[] = [];
  const now = instant(started);
  const clock: Clock = {
    now: () => now,
    at: () => () => undefined,
    every: () => () => undefined,
    sleep: () => Promise.resolve(),
  };
  let holders: readonly RoleHolder[] = [];
  /** A directory that knows everybody, and roles as the main process keeps them. */
  const changeRole: RoleSettings['change'] = (change) => {
    const principals = change.principals.map(principalOf);
    if ('scope' in change) return Promise.resolve({ principals, holders });
    const { role, notes } = change;
    if (change.entity === undefined) {
      const { databaseId } = context.data.database(change.database);
      const named = principals.map((one) => ({ ...one, role, notes, databaseId }));
      holders = [
        ...holders.filter((one) => one.databaseId !== databaseId),
        ...afterChange(
          holders.filter((one) => one.databaseId === databaseId),
          change,
          named,
        ),
      ];
    }
    return Promise.resolve({ principals, holders });
  };
  const context: CommandContext = {
    data: await data.data(),
    engine,
    database: 'db',
    caller: {
      objectId: newGuid(systemRandomBytes),
      tenantId: newGuid(systemRandomBytes),
      displayName: 'tester',
      fqn: 'aadapp=tester;tenant',
    },
    clusterRoles: ['AllDatabasesAdmin'],
    databases: [{ databaseId: data.database.databaseId, name: 'db', roles: [] }],
    principals: [],
    roles: { change: changeRole },
    identities: () => Promise.resolve(clusterIdentities),
    streamingIngestEnabled: true,
    purgeEnabled: true,
    cluster: {
      name: 'contoso',
      uri: 'https://contoso.westeurope.kusto.windows.net',
      version: '1.2.3',
      builtAt: now,
      startedAt: now,
    },
    clock,
    randomBytes: systemRandomBytes,
    clientRequestId: 'test',
    activityId: newGuid(systemRandomBytes),
    requests: { cancel: () => Promise.resolve(0) },
    background: (act) => {
      work.push(act());
    },
  };
  const answer = (text: string, change: Partial<CommandContext> = {}): Promise<CommandAnswer> =>
    runCommand({ ...context, ...change }, text);
  return {
    ...{ data, engine, context, answer },
    run: async (text, change) => {
      const { columns, rows } = await answer(text, change);
      return rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, row[index]])));
    },
    settle: async () => {
      await Promise.all(work);
    },
    close: async () => {
      parser.stop();
      await data.close();
    },
  };
}

/** Tests send the same text for many callers, and a parse is what costs most. */
function rememberingParses(engine: QueryEngine): QueryEngine {
  const parsed = new Map<string, ReturnType<QueryEngine['parseCommand']>>();
  return {
    ...engine,
    parseCommand: (request) => {
      const key = JSON.stringify([request.catalog.version, request.database, request.text, request.told]);
      const known = parsed.get(key) ?? engine.parseCommand(request);
      parsed.set(key, known);
      return known;
    },
  };
}
