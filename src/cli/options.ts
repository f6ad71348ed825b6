import { InvalidArgumentError, Option } from 'commander';
import { resolve } from 'node:path';
import { defaultKeySettings } from '../server/settings.ts';
import { defaultDataDirectory } from './data-directory.ts';

export const dataOption = (): Option =>
  new Option('--data <DIR>', 'the data directory (default: $KUSTODY_DATA_DIR, else ~/.local/share/kustody)');

export const geoipOption = (): Option =>
  new Option(
    '--geoip-database <FILE>',
    'your own city database in MMDB format, for geo_info_from_ip_address() (default: $KUSTODY_GEOIP_DATABASE)',
  );

export const keyRecheckOption = (): Option =>
  new Option(
    '--key-recheck <SECONDS>',
    `how often a key is checked again, 1 to ${defaultKeySettings.keyCacheSeconds} (default: ${defaultKeySettings.keyRecheckSeconds}); what Kustody changes itself is checked at once`,
  ).argParser((text) => {
    const seconds = Number(text);
    if (Number.isInteger(seconds) && seconds >= 1 && seconds <= defaultKeySettings.keyCacheSeconds) return seconds;
    throw new InvalidArgumentError(`Give whole seconds, 1 to ${defaultKeySettings.keyCacheSeconds}.`);
  });

export const stateAnchorOption = (): Option =>
  new Option(
    '--state-anchor <FILE|FD>',
    'a file outside the data directory, or an open descriptor to read and write, that says which state was the last: an older one is refused',
  );

export const jsonOption = (): Option => new Option('--json', 'print JSON').default(false);

export const dataDirectoryOf = (options: { readonly data?: string }): string =>
  resolve(options.data ?? defaultDataDirectory(process.env));
