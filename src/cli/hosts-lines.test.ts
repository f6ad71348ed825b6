import { describe, expect, it } from 'vitest';
import { invariant } from '../base/invariant.ts';
import { parseClusterName, parseRegion, parseVaultName } from '../base/names.ts';
import { hostsLines, replaceHostsLines } from './hosts-lines.ts';

const vaults = ['zebra', 'alpha'].flatMap((name) => parseVaultName(name) ?? []);
const [name, region] = [parseClusterName('mycluster'), parseRegion('eastus')];
invariant(name !== undefined && region !== undefined, 'the test has good names');
const lines = hostsLines({
  address: '127.0.0.1',
  vaults,
  clusters: [{ name, region, storageHosts: ['kust1.blob.core.windows.net'] }],
});

describe('hosts lines', () => {
  it('name every service, vault and cluster, with its ingestion name and storage', () => {
    expect(lines.slice(7)).toEqual([
      '127.0.0.1 alpha.vault.azure.net',
      '127.0.0.1 zebra.vault.azure.net',
      '127.0.0.1 ingest-mycluster.eastus.kusto.windows.net',
      '127.0.0.1 mycluster.eastus.kusto.windows.net',
      '127.0.0.1 kust1.blob.core.windows.net',
      '# end kustody',
    ]);
    expect(lines).toContain('127.0.0.1 management.azure.com');
    expect(lines).toContain('127.0.0.1 login.microsoftonline.com');
  });

  it('go to the end of a hosts file, are replaced there and taken out again', () => {
    const file = '127.0.0.1 localhost\n::1 localhost\n';
    const added = replaceHostsLines(file, lines);
    expect(added).toBe(`${file}${lines.join('\n')}\n`);
    expect(replaceHostsLines(added, lines)).toBe(added);
    expect(replaceHostsLines(`${added}10.0.0.1 mine\n`, lines.slice(0, 1).concat(lines.slice(-1)))).toBe(
      `${file}# begin kustody\n# end kustody\n10.0.0.1 mine\n`,
    );
    expect(replaceHostsLines(added)).toBe(file);
  });

  it('keep the line ends of the file', () => {
    const added = replaceHostsLines('127.0.0.1 localhost\r\n', lines);
    expect(added.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    expect(replaceHostsLines(added)).toBe('127.0.0.1 localhost\r\n');
  });

  it('leave a file without a complete block alone', () => {
    expect(replaceHostsLines('# begin kustody\n10.0.0.1 mine\n')).toBe('# begin kustody\n10.0.0.1 mine\n');
  });
});
