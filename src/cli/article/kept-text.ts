import { database, table } from './data.ts';
import type { Names } from './names.ts';

/** How to go on with what the article has left: in another shell, pointed at the instance that still runs.
 * @param canary a text of the rows */
export function keptText({ group, cluster, vault, key }: Names, dataDirectory: string, canary: string): string {
  const asked = `--cluster ${cluster} --database ${database}`;
  return [
    '',
    `Everything is still there: cluster ${cluster} under the key ${key} of the vault ${vault}, in the resource`,
    `group ${group}. In another shell:`,
    '',
    `  eval "$(kustody env --data '${dataDirectory}')"`,
    '  kustody status',
    `  kustody query ${asked} '${table} | order by Note asc'`,
    `  kustody proof --canary ${canary}`,
    `  kustody lineage https://${vault}.vault.azure.net/keys/${key}`,
    `  kustody cmk verify --resource-group ${group} --cluster ${cluster}`,
    '',
    'Ctrl+C ends it and deletes everything.',
    '',
  ].join('\n');
}
