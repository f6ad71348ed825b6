import { Option } from 'commander';
import { resolve } from 'node:path';
import { defaultDataDirectory } from './data-directory.ts';

export const dataOption = (): Option =>
  new Option('--data <DIR>', 'the data directory (default: $KUSTODY_DATA_DIR, else ~/.local/share/kustody)');

export const geoipOption = (): Option =>
  new Option(
    '--geoip-database <FILE>',
    'your own city database in MMDB format, for geo_info_from_ip_address() (default: $KUSTODY_GEOIP_DATABASE)',
  );

export const jsonOption = (): Option => new Option('--json', 'print JSON').default(false);

export const dataDirectoryOf = (options: { readonly data?: string }): string =>
  resolve(options.data ?? defaultDataDirectory(process.env));
