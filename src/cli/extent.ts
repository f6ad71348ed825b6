import { Command } from 'commander';
import { writeFileSync } from 'node:fs';
import { encryptionDataHeader } from '../server/encryption-data-header.ts';
import { bytesText, extentsOf, listClusters, shortTime } from './clusters.ts';
import { requireInstance } from './control-client.ts';
import { dataDirectoryOf, dataOption, jsonOption } from './options.ts';
import { textTable } from './text-table.ts';
import { UserError } from './user-error.ts';

interface ExtentOptions {
  readonly data?: string;
  readonly cluster?: string;
}

const clusterOption = ['--cluster <NAME>', 'default: the only cluster'] as const;

export function extentCommand(): Command {
  const extent = new Command('extent')
    .description('List the sealed extents of a running instance, or export one as it lies at rest.')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kustody extent list\n  $ kustody extent export 703c50e3-e15f-4033-92bf-bec799fcc383 --out extent.bin',
    );
  extent
    .command('list')
    .description('List extents with the DEK that seals each.')
    .addOption(dataOption())
    .option(...clusterOption)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  $ kustody extent list --json')
    .action(list);
  extent
    .command('export')
    .description(
      'Write the sealed bytes of an extent, and beside them FILE.encryptiondata.json. Put into a blob and its metadata, they open with the client-side encryption (version 2) of the Azure Storage SDKs, given the DEK-wrapping key.',
    )
    .argument('<extent>', 'id of the extent')
    .requiredOption('--out <FILE>', 'where the sealed bytes go')
    .addOption(dataOption())
    .option(...clusterOption)
    .addHelpText('after', '\nExample:\n  $ kustody extent export 703c50e3-e15f-4033-92bf-bec799fcc383 --out extent.bin')
    .action(exportExtent);
  return extent;
}

async function list(options: ExtentOptions & { readonly json: boolean }): Promise<void> {
  const all = await listClusters(await requireInstance(dataDirectoryOf(options)));
  const wanted = all.filter(({ name }) => options.cluster === undefined || name === options.cluster.toLowerCase());
  if (options.cluster !== undefined && wanted.length === 0) throw unknownCluster(options.cluster, all);
  const extents = wanted.flatMap(extentsOf);
  for (const { name, notListed } of wanted) {
    if (notListed !== undefined) process.stderr.write(`kustody: ${name}: ${notListed}\n`);
  }
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ extents }, undefined, 2)}\n`);
    return;
  }
  const head = ['cluster', 'database.table', 'extent', 'DEK', 'rows', 'sealed', 'rows created'];
  const cells: string[][] = [];
  for (const { cluster, database, table: name, extentId, dekId, rowCount, sealedBytes, maxCreatedOn } of extents) {
    cells.push([
      cluster,
      `${database}.${name}`,
      extentId,
      dekId,
      String(rowCount),
      bytesText(sealedBytes),
      shortTime(maxCreatedOn),
    ]);
  }
  process.stdout.write(extents.length === 0 ? 'There are no extents.\n' : `${textTable(head, cells)}\n`);
}

async function exportExtent(id: string, options: ExtentOptions & { readonly out: string }): Promise<void> {
  const client = await requireInstance(dataDirectoryOf(options));
  const all = await listClusters(client);
  const cluster =
    options.cluster ?? all.find((candidate) => extentsOf(candidate).some(({ extentId }) => extentId === id))?.name;
  if (cluster === undefined) {
    throw new UserError(`No cluster has an extent ${id} now.`, "List them with 'kustody extent list'.");
  }
  const { headers, body } = await client.download(
    `/clusters/${encodeURIComponent(cluster)}/extents/${encodeURIComponent(id)}`,
  );
  const encryptionData = headers[encryptionDataHeader];
  if (typeof encryptionData !== 'string') throw new UserError('The instance sent no encryptiondata.');
  writeFileSync(options.out, body, { mode: 0o600 });
  writeFileSync(`${options.out}.encryptiondata.json`, encryptionData, { mode: 0o600 });
  process.stdout.write(`${options.out}  ${body.byteLength} bytes\n${options.out}.encryptiondata.json\n`);
}

const unknownCluster = (name: string, all: readonly { readonly name: string }[]): UserError =>
  new UserError(
    `There is no cluster '${name}'.`,
    all.length === 0 ? 'There are no clusters.' : `There are: ${all.map((cluster) => cluster.name).join(', ')}.`,
  );
