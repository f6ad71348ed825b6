import { describe, expect, it } from 'vitest';
import { sample } from '../../support/sample.ts';
import type { Attacked } from './attacked.ts';

/** Queries that would reach files, the network, other programs or the engine below, with what the refusal names. */
const queries: readonly (readonly [string, string])[] = [
  ['externaldata(x: string)["file:///etc/passwd"]', 'externaldata'],
  ['externaldata(x: string)[@"/etc/passwd"] with (format="txt")', 'externaldata'],
  ['externaldata(x: string)["http://169.254.169.254/metadata/instance"]', 'externaldata'],
  ['externaldata(x: string)[h@"https://localhost/x"]', 'externaldata'],
  ['print x = toscalar(externaldata(x: string)["file:///etc/passwd"])', 'externaldata'],
  ['Rows | join kind=inner (externaldata(s: string)["file:///etc/passwd"]) on s', 'externaldata'],
  ['evaluate sql_request("Server=x", "select 1")', 'sql_request'],
  ['evaluate mysql_request("Server=x", "select 1")', 'mysql_request'],
  ['evaluate postgresql_request("Server=x", "select 1")', 'postgresql_request'],
  ['evaluate http_request("http://169.254.169.254/")', 'http_request'],
  ['evaluate http_request_post("http://localhost/", dynamic({}))', 'http_request_post'],
  ['evaluate azure_digital_twins_query_request("x", "y")', 'azure_digital_twins_query_request'],
  ['print x = 1 | evaluate python(typeof(*), "import os")', 'python'],
  ['print x = 1 | evaluate r(typeof(*), "x")', "'r'"],
  ['print x = "a" | evaluate ai_embed_text(x, "https://localhost/")', 'ai_embed_text'],
  ['read_csv("/etc/passwd")', 'read_csv'],
  ['print x = read_text("/etc/passwd")', 'read_text'],
  ['print x = read_blob("/etc/passwd")', 'read_blob'],
  ['print x = sniff_csv("/etc/passwd")', 'sniff_csv'],
  ['print x = glob("/etc/*")', 'glob'],
  ['print x = getenv("HOME")', 'getenv'],
  ['print x = current_setting("threads")', 'current_setting'],
  ['print x = query("select 1")', 'query'],
  ['print x = kql_ticks(1)', 'kql_ticks'],
  ['print x = kql_n_hash(1)', 'kql_n_hash'],
  ['print x = pragma_version()', 'pragma_version'],
  ['print x = load_extension("httpfs")', 'load_extension'],
  ["['/etc/passwd']", '/etc/passwd'],
  ["['/proc/self/fd/3']", '/proc/self/fd/3'],
  ['table("/etc/passwd")', '/etc/passwd'],
  ['table("read_csv(\'/etc/passwd\')")', 'read_csv'],
  ['external_table("/etc/passwd")', '/etc/passwd'],
  ['duckdb_tables()', 'duckdb_tables'],
  ["['duckdb_settings()']", 'duckdb_settings()'],
  ['sqlite_master', 'sqlite_master'],
  ['information_schema.tables', 'information_schema'],
  ["['main'].['Rows']", 'main'],
];

/** Statements of SQL are no KQL. */
const statements = [
  'COPY (select 1) TO "x.csv"',
  "ATTACH 'x.db' AS y",
  'INSTALL httpfs',
  'LOAD httpfs',
  'PRAGMA version',
  'SET enable_external_access = true',
  'print 1; COPY Rows TO "x.csv"',
  'print 1; SET lock_configuration = false',
  'print x = $1',
  'print x = ?',
  'print x = (select 1)',
  "print x = 1::text || 'a'",
  'Rows | where n = 1 or 1 = 1; drop table Rows',
];

const commands: readonly (readonly [string, string])[] = [
  ['.ingest into table Rows ("file:///etc/passwd")', 'is not read'],
  ['.ingest into table Rows (h"http://169.254.169.254/x")', 'is not read'],
  ['.set-or-append Rows <| externaldata(x: string)["file:///etc/passwd"]', 'externaldata'],
  ['.set stored_query_result X <| externaldata(x: string)["file:///etc/passwd"]', 'externaldata'],
  ['.show version | union (externaldata(x: string)["file:///etc/passwd"])', 'externaldata'],
  ['.show purges | union (externaldata(x: string)["file:///etc/passwd"])', 'externaldata'],
  ['.export to csv ("x.csv") <| Rows', 'Nothing is written to'],
  ['.export async to csv (h"https://localhost/x") <| Rows', 'Nothing is written to'],
  ['.export to csv (h"https://169.254.169.254/x") <| Rows', 'Nothing is written to'],
  ['.create external table E (x: string) kind=storage dataformat=csv ("file:///etc")', 'Nothing is written to'],
  ['.create-or-alter external table E (x: string) kind=sql ("Server=x")', 'CreateOrAlterSqlExternalTable'],
  ['.attach database x from "x.csv"', 'AttachDatabase'],
  ['.get kusto identity token', 'is answered by another endpoint of the cluster'],
];

export function describeReach(attacked: () => Attacked): void {
  describe('nothing outside is reached', () => {
    it.each(sample(queries, 8, 'queries'))('%s is refused, and what it asks for is named', async (text, named) => {
      const answer = await attacked().query(text);
      expect(answer).toMatchObject({ status: 400, code: 'General_BadRequest' });
      expect(JSON.parse(answer.text)).toMatchObject({
        error: { '@message': expect.stringContaining(named) as string },
      });
    });

    it.each(sample(statements, 8, 'statements'))('%s is no query', async (text) => {
      const { status, code } = await attacked().query(text);
      expect({ status, code }).toEqual({
        status: 400,
        code: expect.stringMatching(/^(BadRequest_Syntax|General_Bad)/) as string,
      });
    });

    it.each(sample(commands, 8, 'commands'))('%s is refused by name', async (text, named) => {
      const answer = await attacked().mgmt(text);
      expect(answer).toMatchObject({ status: 400, code: 'General_BadRequest' });
      expect(answer.text).toContain(named);
    });

    it('by a function, a graph model or a parameter either', async () => {
      await attacked().mgmt('.create-or-alter function Out() { externaldata(x: string)["file:///etc/passwd"] }');
      expect((await attacked().query('Out()')).text).toContain('externaldata');
      await attacked().mgmt('.drop function Out');
      const query = 'externaldata(x: string)["file:///etc/passwd"]';
      const model = { Definition: { Steps: [{ Kind: 'AddNodes', Query: query, NodeIdColumn: 'x' }] } };
      const made = await attacked().mgmt(`.create-or-alter graph_model Out '${JSON.stringify(model)}'`);
      expect(made).toMatchObject({ status: 400, code: 'General_BadRequest' });
      const properties = { Parameters: { t: '/etc/passwd' } };
      const named = await attacked().query('declare query_parameters(t: string); table(t)', undefined, { properties });
      expect(named.status).toBe(400);
    });
  });
}
