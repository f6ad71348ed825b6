import { ContainerAddressError } from './container-address.ts';

/** What a connection string of Azure Storage says that we need. Secrets. */
export type ContainerCredential =
  | { readonly kind: 'accountKey'; readonly account: string; readonly key: string }
  | { readonly kind: 'signature'; readonly query: string };

/** Reads `NAME=VALUE;…`, as Azure Storage and its emulators give them.
 * @param container URL that it has to be for: a secret of another account is of no use there, and goes nowhere else
 * @throws ContainerAddressError without a piece of the text */
export function parseConnectionString(text: string, container: string): ContainerCredential {
  const fields = new Map<string, string>();
  for (const part of text.trim().split(';')) {
    const [, name = '', value = ''] = /^\s*([A-Za-z]+)=(.*)$/s.exec(part) ?? [];
    fields.set(name.toLowerCase(), value.trim());
  }
  const account = fields.get('accountname') ?? '';
  const key = fields.get('accountkey') ?? '';
  const query = (fields.get('sharedaccesssignature') ?? '').replace(/^\?/, '');
  const suffix = fields.get('endpointsuffix') ?? 'core.windows.net';
  const protocol = fields.get('defaultendpointsprotocol') ?? 'https';
  const endpoint = (fields.get('blobendpoint') ?? `${protocol}://${account}.blob.${suffix}`).replace(/\/+$/, '');
  if ((key === '' || account === '') && query === '')
    throw new ContainerAddressError(
      'It is no connection string with AccountName and AccountKey, or SharedAccessSignature.',
    );
  const url = URL.parse(endpoint);
  if (url === null || container.slice(0, container.lastIndexOf('/')) !== url.href.replace(/\/$/, ''))
    throw new ContainerAddressError('It is for another account than --blobs.');
  if (query !== '') return { kind: 'signature', query };
  return { kind: 'accountKey', account, key };
}
