import { describe, expect, it } from 'vitest';
import { commandRows } from '../../../src/database/commands/command-rows.ts';
import { commandExamples, examplesOf } from '../../support/command-examples.ts';
import type { Permission } from '../../../src/database/commands/permissions.ts';
import { sample } from '../../support/sample.ts';
import type { Attacked, Outcome } from './attacked.ts';
import { db, hosts } from './attacked.ts';

/** Of these permissions a viewer has none; those four look at the table before they ask. */
const beyondViewers: readonly Permission[] = ['create', 'ingest', 'monitor', 'admin', 'clusterMonitor', 'clusterAdmin'];
const forbiddenCommands = commandRows
  .filter((row) => beyondViewers.includes(row.permission) || 'SetTable' in row.kinds)
  .flatMap(examplesOf);

/** As its example, about a table that there is; one that is made must not be there. */
const textOf = (kind: string, example = commandExamples.get(kind) ?? ''): string => {
  const text = example.replace(/\bD\b/g, db).replace(/\bF\b/g, 'Kept');
  return kind === 'SetTable' ? text : text.replace(/\bT\b/g, 'Rows');
};

/** Ways to name what lies in another database. */
const peeks = [
  'database("Unseen").Hidden',
  'database("UNSEEN").Hidden | count',
  'database("Unseen").Hidden | getschema',
  'database("Unseen").Hidden | take 0 | project-away n | getschema',
  'database("Unseen").Hidden | project nothing_like_it',
  'database("Unseen").Nowhere',
  'database("Unseen").table("Hidden") | getschema',
  'cluster("attacked.eastus").database("Unseen").Hidden | getschema',
  'let T = database("Unseen").Hidden; T | getschema',
  'alias database x = cluster("attacked.eastus").database("Unseen"); database("x").Hidden | getschema',
  'print toscalar(database("Unseen").Hidden | count)',
  'union database("Unseen").*',
  'find in (database("Unseen").*) where n > 0',
  'search in (database("Unseen").*) "x"',
  'macro-expand entity_group [database("db1"), database("Unseen")] as X (X.Hidden | count)',
] as const;

/** Lines of a script that look harmless at first, or that a script must not contain. */
const hiding = [
  '.create table X (a: long)\u2028.drop table Rows',
  '.create table X (a: long)\r.drop table Rows',
  '.create table X (a: long)\u0085.drop table Rows',
  '.create table X (a: long); .drop table Rows',
  '.create table X (a: long) .drop table Rows',
  '.create table X (a: long) /*\n*/ .drop table Rows',
  '.alter table Rows docstring "x"; .drop table Rows',
  '.alter table Rows docstring ```\n.drop table Rows\n```',
  '.create function with (docstring="\n.drop table Rows\n") X() { 1 }',
  '.create-or-alter function X() { .drop table Rows }',
  '//\n\u00a0.drop table Rows',
  '\t.drop\ttable Rows',
  '.execute database script <|\n.drop table Rows',
  '.add database db1 admins ("aadapp=x")',
  '.set-or-replace Rows <| print n = 9',
  '.rename table Rows to X',
  '.clear table Rows data',
] as const;

export function describeRoles(attacked: () => Attacked): void {
  const people = () => attacked().people;
  const forbidden = { status: 403, code: 'Forbidden' };

  describe('a viewer, and who has no role at all', () => {
    it.each(sample(forbiddenCommands, 8, 'forbiddenCommands'))('may not use %s', async (kind, example) => {
      const answer = await attacked().mgmt(textOf(kind, example), people().viewer);
      expect(answer).toMatchObject(forbidden);
      expect(answer.text).toContain(`perform operation '${kind}'`);
    });

    it('may not use one of each family with no role at all', async () => {
      const kinds = [
        'SetOrAppendTable',
        'CreateTable',
        'IngestInlineIntoTable',
        'DropTable',
        'ShowCluster',
        'PurgeTableRecords',
      ];
      for (const text of kinds.map((kind) => textOf(kind)))
        expect(await attacked().mgmt(text, people().nobody)).toMatchObject(forbidden);
      for (const text of ['.show tables', '.show table Rows details', '.show database schema', '.show function Kept'])
        expect(await attacked().mgmt(text, people().nobody)).toMatchObject(forbidden);
    });

    it('read no command as a query, and no two as one', async () => {
      const { viewer, nobody } = people();
      for (const person of [viewer, nobody]) {
        const asQuery = await attacked().query('.drop table Rows', person);
        expect(asQuery.status).toBeGreaterThanOrEqual(400);
        expect(await attacked().mgmt('.show version; .drop table Rows', person)).toMatchObject({ status: 400 });
        expect((await attacked().query('print 1; .drop table Rows', person)).status).toBeGreaterThanOrEqual(400);
      }
    });

    it('give themselves no role through the resource manager', async () => {
      const { viewer } = people();
      const { cluster, subscription } = attacked();
      const { objectId: principalId, tenantId } = viewer;
      const role = { properties: { principalId, principalType: 'App', tenantId, role: 'Admin' } };
      const everywhere = { properties: { ...role.properties, role: 'AllDatabasesAdmin' } };
      const owner = `${subscription}/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635`;
      const denied = { status: 403, code: 'AuthorizationFailed' };
      for (const [method, path, body] of [
        ['PUT', `${cluster}/databases/${db}/principalAssignments/mine`, role],
        ['PUT', `${cluster}/principalAssignments/mine`, everywhere],
        ['PUT', `${cluster}/databases/mine?callerRole=Admin`, { location: 'eastus', kind: 'ReadWrite' }],
        ['POST', `${cluster}/databases/${db}/addPrincipals`, { value: [] }],
        ['PATCH', cluster, { properties: { keyVaultProperties: null } }],
        ['GET', cluster, undefined],
        ['DELETE', cluster, undefined],
        [
          'PUT',
          `${cluster}/providers/Microsoft.Authorization/roleAssignments/${tenantId}`,
          { properties: { principalId, roleDefinitionId: owner } },
        ],
      ] as const)
        expect(await attacked().arm(method, path, body, viewer)).toMatchObject(denied);
    });
  });

  describe('what lies in another database', () => {
    it.each(sample(peeks, 8, 'peeks'))('is not told by %s', async (text) => {
      const { viewer, nobody } = people();
      const tries: Promise<Outcome>[] = [
        attacked().query(text, viewer),
        attacked().query(text, nobody, { db: '' }),
        attacked().query(text, nobody, { db: 'NetDefaultDB' }),
        ...(text.includes('; ')
          ? []
          : [
              attacked().mgmt(`.show version | union (${text})`, viewer),
              attacked().mgmt(`.show purges | union (${text})`, viewer),
              attacked().mgmt(`.show version | union (${text})`, nobody, ''),
              attacked().mgmt(`.show purges | union (${text})`, nobody),
            ]),
        attacked().mgmt(`.set-or-replace stored_query_result Peek <| ${text}`, viewer),
      ];
      for (const answer of await Promise.all(tries)) {
        expect(answer).toMatchObject(forbidden);
        expect(answer.text).not.toMatch(/System\.Int64|Hidden/);
      }
    });

    it('is not told by a function that its owner has put where others may call it', async () => {
      await attacked().mgmt('.create-or-alter function Peek() { database("Unseen").Hidden }');
      expect(await attacked().query('Peek()')).toMatchObject({ status: 200 });
      for (const text of ['Peek()', 'Peek() | getschema', 'union (Peek()), Rows'])
        expect(await attacked().query(text, people().viewer)).toMatchObject(forbidden);
      await attacked().mgmt('.drop function Peek');
    });

    it('is not told by a graph model either, until its owner makes a snapshot', async () => {
      const steps = [{ Kind: 'AddNodes', Query: 'database("Unseen").Hidden', NodeIdColumn: 'n' }];
      const quotedJson = `\`\`\`${JSON.stringify({ Definition: { Steps: steps } })}\`\`\``;
      expect(await attacked().mgmt(`.create-or-alter graph_model Peek ${quotedJson}`)).toMatchObject({ status: 200 });
      const text = 'graph("Peek") | graph-to-table nodes';
      expect(await attacked().query(text)).toMatchObject({ status: 200 });
      expect(await attacked().query(text, people().viewer)).toMatchObject(forbidden);
      expect(await attacked().mgmt(`.show version | union (${text})`, people().viewer)).toMatchObject(forbidden);
      await attacked().mgmt('.drop graph_model Peek');
    });

    it('is in no list of a viewer', async () => {
      for (const text of [
        ...['.show databases', '.show databases schema', '.show databases schema as json', '.show schema'],
        ...['.show databases entities', '.show databases details', '.show databases policies'],
      ]) {
        const answer = await attacked().mgmt(text, people().viewer);
        expect(answer.status).toBe(200);
        expect(answer.text).not.toMatch(/Unseen|Hidden/);
      }
      for (const text of [
        '.show database Unseen schema',
        '.show database Unseen details',
        '.show database Unseen principals',
      ])
        expect(await attacked().mgmt(text, people().viewer)).toMatchObject(forbidden);
    });

    it('stays unseen where a wildcard or a fuzzy union takes what there is', async () => {
      for (const text of [
        'union database("*").* | count',
        'union isfuzzy=true Rows, database("Unseen").Hidden | count',
      ])
        expect((await attacked().query(text, people().viewer)).text).toContain('"Rows":[[1]]');
    });
  });

  it.each([
    'cluster("attacked").database("db1").Rows',
    'cluster("other").database("db1").Rows',
    'cluster("https://169.254.169.254").database("db1").Rows',
    'cluster("localhost").database("db1").Rows',
    'cluster("other").database("db1").Rows | getschema',
    'cluster("other").database("db1").table("Rows")',
    'macro-expand entity_group [cluster("other").database("db1")] as X (X.Rows)',
  ])('%s is refused: it is not this cluster', async (text) => {
    const answer = await attacked().query(text);
    expect(answer).toMatchObject({ status: 400, code: 'General_BadRequest' });
    expect(answer.text).toContain('The other cluster in cluster(');
  });

  describe('an ingestor', () => {
    it.each([
      ...['Rows', 'Rows | count', 'print 1', 'Rows | getschema'].map((text) => ['query', text] as const),
      ...[
        '.show tables',
        '.show table Rows details',
        '.show database schema',
        '.show table Rows ingestion mappings',
      ].map((text) => ['mgmt', text] as const),
      ['mgmt', '.set-or-append Rows <| Rows'],
      ['mgmt', '.set-or-append Rows <| Rows | where false'],
      ['mgmt', '.append Rows <| database("Unseen").Hidden'],
      ['mgmt', '.set-or-append Rows <| print n = toscalar(Rows | count)'],
      ['mgmt', '.set-or-append New <| print n = 1'],
      ['mgmt', '.show version | union (Rows)'],
      ['mgmt', '.show purges | union (Rows)'],
      ['mgmt', '.show purges | extend n = toscalar(Rows | count)'],
    ] as const)('does not read (%s: %s)', async (kind, text) => {
      expect(await attacked()[kind](text, people().ingestor)).toMatchObject(forbidden);
    });
  });

  describe("another principal's stored result", () => {
    const missing = { status: 400, code: 'General_BadRequest' };
    it.each([
      ...['stored_query_result("Mine")', 'stored_query_result("Mine") | getschema', "['stored_query_result/Mine']"],
      ...['table("stored_query_result/Mine")', 'database("db1").stored_query_result("Mine")'],
    ])('is not there for others: %s', async (text) => {
      await attacked().mgmt('.set-or-replace stored_query_result Mine <| Rows', people().viewer);
      for (const person of [people().otherViewer, attacked().owner])
        expect(await attacked().query(text, person)).toMatchObject(missing);
      const own = await attacked().query('stored_query_result("Mine") | count', people().viewer);
      expect(own.text).toContain('"Rows":[[1]]');
    });

    it('is neither shown, described nor dropped by others, and the same name is their own', async () => {
      await attacked().mgmt('.set-or-replace stored_query_result Mine <| Rows', people().viewer);
      const other = people().otherViewer;
      expect((await attacked().mgmt('.show stored_query_results', other)).text).toContain('"Rows":[]');
      for (const text of ['.show stored_query_result Mine schema', '.drop stored_query_result Mine'])
        expect(await attacked().mgmt(text, other)).toMatchObject({ status: 400, code: 'BadRequest_EntityNotFound' });
      await attacked().mgmt('.set stored_query_result Mine <| print n = 9', other);
      await attacked().mgmt('.drop stored_query_result Mine', other);
      expect(await attacked().query('stored_query_result("Mine") | count', people().viewer)).toMatchObject({
        status: 200,
      });
    });
  });

  describe('a script', () => {
    it.each(sample(hiding, 8, 'hiding'))('does nothing that its lines may not: %j', async (script) => {
      const answer = await attacked().mgmt(`.execute database script with (ContinueOnErrors=true) <|\n${script}`);
      const tables = await attacked().mgmt('.show tables | project TableName');
      expect(tables.text).toContain('"Rows":[["Rows"]]');
      if (answer.status !== 200) expect(['BadRequest_SyntaxError', 'General_BadRequest']).toContain(answer.code);
      else expect(answer.text).toContain('"Failed"');
    });

    it('is for administrators', async () => {
      const { viewer, ingestor, nobody } = people();
      for (const person of [viewer, ingestor, nobody])
        for (const script of ['.create table Mine (a: long)', '.append Rows <| print n = 2', '.show tables'])
          expect(await attacked().mgmt(`.execute database script <|\n${script}`, person)).toMatchObject(forbidden);
    });
  });

  describe("another vault's key", () => {
    it('is not to be had by its version, its id or its ciphertext', async () => {
      const kidOf = async (host: string): Promise<string> =>
        (JSON.parse((await attacked().vault('GET', '/keys/k', undefined, host)).text) as { key: { kid: string } }).key
          .kid;
      const foreign = await kidOf(hosts.otherVault);
      const version = foreign.split('/').at(-1) ?? '';
      const value = Buffer.from('a secret of 32 bytes, or so').toString('base64url');
      const wrapped = await attacked().vault(
        'POST',
        '/keys/k/wrapkey',
        { alg: 'RSA-OAEP-256', value },
        hosts.otherVault,
      );
      const ciphertext = (JSON.parse(wrapped.text) as { value: string }).value;
      const unwrap = { alg: 'RSA-OAEP-256', value: ciphertext };
      for (const [method, path, body, status, code] of [
        ['GET', `/keys/k/${version}`, undefined, 404, 'KeyNotFound'],
        ['POST', `/keys/k/${version}/unwrapkey`, unwrap, 404, 'KeyNotFound'],
        ['POST', '/keys/k/unwrapkey', unwrap, 400, 'BadParameter'],
        ['POST', '/keys/k/unwrapkey', { ...unwrap, kid: foreign }, 400, 'BadParameter'],
        ['GET', `/keys/${encodeURIComponent(foreign)}`, undefined, 400, 'BadParameter'],
        ['GET', `/keys/..%2f..%2fsecondvault%2fkeys%2fk/${version}`, undefined, 400, 'BadParameter'],
      ] as const)
        expect(await attacked().vault(method, path, body)).toMatchObject({ status, code });
    });
  });
}
