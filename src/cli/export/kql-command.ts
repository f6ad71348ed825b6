import { Command } from 'commander';
import { callLocal, localToken } from '../../server/local-client.ts';
import { requireInstance } from '../control-client.ts';
import { dataDirectoryOf, dataOption } from '../options.ts';
import { clusterHost } from '../query.ts';
import { tablesOf } from '../result-tables.ts';
import { whileWaiting } from '../waiting.ts';
import { kqlScriptOf } from './kql-script.ts';
import type { RunCommand } from './kql-script.ts';
import { writeOut } from './write-out.ts';

interface KqlOptions {
  readonly data?: string;
  readonly cluster?: string;
  readonly database?: string;
  readonly out?: string;
}

export const kqlExportCommand = (): Command =>
  new Command('kql')
    .description(
      'Write the schema of a database as a script of management commands that can run again, no rows: tables, mappings, policies, functions, views, external tables (as comments, where their proof is to be filled in), entity groups, graph models and roles.',
    )
    .addOption(dataOption())
    .option('--cluster <URI>', 'name or address; default: $KUSTODY_CLUSTER_URI, else the only cluster')
    .option('--database <NAME>', 'default: $KUSTODY_DATABASE, else db')
    .option('--out <FILE>', 'write here instead of standard output')
    .addHelpText(
      'after',
      '\nExample:\n  $ kustody export kql --database db --out db.kql\n  $ kustody query - --database db < db.kql',
    )
    .action(exportKql);

async function exportKql(options: KqlOptions): Promise<void> {
  const environment = await (await requireInstance(dataDirectoryOf(options))).environment();
  const host = clusterHost(environment, options.cluster ?? process.env['KUSTODY_CLUSTER_URI']);
  const db = options.database ?? process.env['KUSTODY_DATABASE'] ?? 'db';
  const token = await localToken(environment, 'https://kusto.kusto.windows.net');
  const run: RunCommand = async (csl) => {
    const answer = await callLocal(environment, {
      ...{ host, method: 'POST', path: '/v1/rest/mgmt', token, answerBytesMax: 256 * 1024 * 1024 },
      body: { db, csl },
    });
    const [first] = tablesOf(answer);
    const { columns, rows } = first?.table ?? { columns: [], rows: [] };
    return rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at]])));
  };
  const script = await whileWaiting(async (begin) => {
    begin('reading the schema');
    return kqlScriptOf(run, db);
  });
  writeOut(script, options.out);
}
