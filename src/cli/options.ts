import { InvalidArgumentError, Option } from 'commander';
import { resolve } from 'node:path';
import type { AllowedHost } from '../http/allowed-hosts.ts';
import { parseAllowedHost } from '../http/allowed-hosts.ts';
import type { StorageAccount } from '../cluster/messages/storage-account.ts';
import { parseStorageAccount } from '../cluster/messages/storage-account.ts';
import type { PostgresAddress } from '../state/postgres/postgres-address.ts';
import { parsePostgresAddress, StateAddressError } from '../state/postgres/postgres-address.ts';
import { defaultKeySettings } from '../server/settings.ts';
import { defaultDataDirectory } from './data-directory.ts';
import { parseDescriptor } from './read-descriptor.ts';
import { UserError } from './user-error.ts';

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

/** @param end of a move: `from-` or `to-` */
export const stateOption = (
  end = '',
  means = 'keep the state in PostgreSQL: postgres://USER@HOST/DATABASE, without a password; the root key is kept elsewhere',
): Option =>
  new Option(`--${end}state <URL>`, means).argParser((text: string): PostgresAddress => {
    try {
      return parsePostgresAddress(text);
    } catch (error) {
      // Commander would repeat the address.
      if (error instanceof StateAddressError) throw new UserError(error.message);
      throw error;
    }
  });

export const statePasswordOption = (end = ''): Option =>
  new Option(
    `--${end}state-password-fd <N>`,
    `read the password of --${end}state from this file descriptor, instead of PGPASSWORD or PGPASSFILE (~/.pgpass)`,
  ).argParser(parseDescriptor);

export const storageAccountOption = (): Option =>
  new Option(
    '--storage-account <NAME=URL>',
    'where an account of Azure Storage is, such as your Azurite: clusters read its blobs under NAME.blob.core.windows.net there (repeatable)',
  )
    .argParser((text: string, before: readonly StorageAccount[]): readonly StorageAccount[] => {
      const account = parseStorageAccount(text);
      if (account === undefined)
        throw new InvalidArgumentError('Give NAME=URL: myaccount=http://127.0.0.1:10000/devstoreaccount1');
      return [...before, account];
    })
    .default([], 'none');

export const jsonOption = (): Option => new Option('--json', 'print JSON').default(false);

export const dataDirectoryOf = (options: { readonly data?: string }): string =>
  resolve(options.data ?? defaultDataDirectory(process.env));

export const allowOption = (): Option =>
  new Option(
    '--allow <HOST>',
    'what the proxy lets through: HOST[:PORT] to port 443 of public addresses unless a port is named, and ADDRESS/BITS for a range that is not public (repeatable)',
  )
    .argParser(collectAllowedHost)
    .default([], 'nothing');

function collectAllowedHost(text: string, before: readonly AllowedHost[]): readonly AllowedHost[] {
  const host = parseAllowedHost(text);
  if (host === undefined) {
    throw new UserError(
      `'${text}' is not a host name, nor a range of addresses.`,
      'Give a name such as packages.example.org or *.example.org, with a port if it is not 443 (packages.example.org:8443); for addresses that are not public their range, too (10.0.0.0/8).',
    );
  }
  return [...before, host];
}
