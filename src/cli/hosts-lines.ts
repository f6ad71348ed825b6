import type { ClusterName, Region, VaultName } from '../base/names.ts';

export interface HostsInput {
  /** Where the edge listens, on port 443. */
  readonly address: string;
  readonly vaults: readonly VaultName[];
  readonly clusters: readonly {
    readonly name: ClusterName;
    readonly region: Region;
    /** Of its storage accounts. */
    readonly storageHosts: readonly string[];
  }[];
}

/** Names that need no resource to exist. */
const fixedHosts = [
  'management.azure.com',
  'login.microsoftonline.com',
  'login.windows.net',
  'login.microsoft.com',
  'sts.windows.net',
  'graph.microsoft.com',
] as const;

const beginMark = '# begin kustody';
const endMark = '# end kustody';

/** Lines for a hosts file, between two marks. A hosts file has no wildcards: every vault and cluster needs its own line, so the
 * lines must be made again when one is created. */
export function hostsLines({ address, vaults, clusters }: HostsInput): readonly string[] {
  const hosts = [
    ...fixedHosts,
    ...vaults.map((name) => `${name}.vault.azure.net`).sort(),
    ...clusters
      .flatMap(({ name, region }) => ['', 'ingest-'].map((prefix) => `${prefix}${name}.${region}.kusto.windows.net`))
      .sort(),
    ...clusters.flatMap(({ storageHosts }) => storageHosts).sort(),
  ];
  return [beginMark, ...[...new Set(hosts)].map((host) => `${address} ${host}`), endMark];
}

/** @returns the text with our lines in the place of those it had, or at its end; without `lines`, with ours taken out */
export function replaceHostsLines(text: string, lines: readonly string[] = []): string {
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const before = text.split(lineEnd);
  const begin = before.indexOf(beginMark);
  const end = before.indexOf(endMark, begin);
  if (begin >= 0 && end > begin) before.splice(begin, end - begin + 1, ...lines);
  else {
    while (before.at(-1) === '') before.pop();
    before.push(...lines, '');
  }
  return before.join(lineEnd);
}
