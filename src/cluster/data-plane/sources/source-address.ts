import type { StorageAccount } from '../../messages/storage-account.ts';
import { parseGuid } from '../../../base/guid.ts';
import { dataError } from '../../../database/catalog/data-error.ts';

/** What proves that data may be read. */
export type SourceCredential =
  /** Nothing, or a shared access signature in the address. */
  | { readonly kind: 'none' }
  | { readonly kind: 'accountKey'; readonly account: string; readonly key: string }
  | { readonly kind: 'token'; readonly token: string }
  /** Access keys, for Amazon S3. */
  | { readonly kind: 'accessKeys'; readonly id: string; readonly secret: string; readonly region: string }
  /** A token of the sender of the request. */
  | { readonly kind: 'impersonation' }
  /** Of the cluster: an object id, or `system`. */
  | { readonly kind: 'managedIdentity'; readonly identity: string };

/** Where a storage connection string leads. */
export interface SourceAddress {
  /** Without what is secret. */
  readonly name: string;
  /** What is asked, with its signature. */
  readonly url: URL;
  /** It speaks the protocol of Azure Storage. */
  readonly isStorage: boolean;
  /** The user said where this account is. */
  readonly isMapped: boolean;
  readonly credential: SourceCredential;
  /** Of storage: the container, and what stands behind it, without slashes around. */
  readonly container: string;
  readonly folder: string;
  /** The container as people know it, wherever the account is. */
  readonly containerUrl: string;
  /** Where the container is, with its signature. */
  readonly containerAt: URL;
}

/** Says that an address is not used, and why. */
export type RefuseAddress = (name: string, why: string) => Error;

export const notRead: RefuseAddress = (name, why) =>
  dataError('SourceNotAllowed', `The source '${name}' is not read: ${why}`);
export const notWritten: RefuseAddress = (name, why) =>
  dataError('SourceNotAllowed', `Nothing is written to '${name}': ${why}`);

const storageHost = /^([a-z0-9]{3,24})(?:\.z\d{1,3})?\.(?:blob|dfs)\.(?:core\.[a-z0-9.-]+|storage\.azure\.net)$/;
/** `https://BUCKET.s3.REGION.amazonaws.com/KEY` */
const s3Host = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\.s3\.([a-z]{2,4}(?:-[a-z]+)+-\d{1,2})\.amazonaws\.com(?:\.cn)?$/;
const notBuilt: readonly (readonly [RegExp, string])[] = [[/^prompt$/i, "';prompt' is for interactive programs"]];

const textMax = 8_192;

/** Text that may be shown: without a query and without what stands after a semicolon, however the rest is written. */
export const withoutSecrets = (text: string): string => {
  const [address = ''] = text.trim().split(/[?;#]/);
  // A user and password before the host.
  return address.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*:[^/@]*@/i, '$1').slice(0, 1_000);
};

/** Reads a storage connection string. @throws DataError `SourceNotAllowed`
 * @see Kusto "Storage connection strings", "Storage authentication methods" */
export function readSourceAddress(
  text: string,
  accounts: readonly StorageAccount[],
  refused: RefuseAddress = notRead,
): SourceAddress {
  const name = withoutSecrets(text);
  const refuse = (why: string): Error => refused(name, `${why}.`);
  if (text.length > textMax) throw refuse('its address is too long');
  const { address, proof } = divided(text.trim());
  if (/^adl:/i.test(address))
    throw refuse('Azure Data Lake Storage Gen1 was retired by Azure, and is not built in Kustody');
  if (/^(?:s3|s3n|s3a):/i.test(address)) throw refuse('Amazon S3 is read by https addresses only');
  const url = URL.parse(asHttps(address));
  if (url === null || url.username !== '' || url.password !== '') throw refuse('it is no https address of a file');
  const local = accounts.find(({ endpoint }) => url.href.startsWith(`${endpoint}/`));
  if (url.protocol !== 'https:' && local === undefined) throw refuse('only https addresses are read');
  const account = local?.name ?? storageHost.exec(url.hostname)?.[1];
  const credential = credentialOf(proof, account, url, refuse);
  const mapped = local ?? accounts.find((one) => one.name === account);
  if (credential.kind === 'managedIdentity') requireOwnStorage('a managed identity', account, mapped, refuse);
  if (credential.kind === 'impersonation') requireOwnStorage('a caller', account, mapped, refuse);
  const place = { name, ...placeIn(url, local, mapped) };
  if (mapped === undefined) return { ...place, url, isStorage: account !== undefined, isMapped: false, credential };
  const to = local === undefined ? new URL(`${mapped.endpoint}${url.pathname}${url.search}`) : url;
  return { ...place, url: to, isStorage: true, isMapped: true, credential: signedFor(credential, mapped) };
}

/** A token that the main process makes goes to the user's own storage alone: nobody else takes one of this instance, and whoever gets it could use it. */
function requireOwnStorage(
  whose: string,
  account: string | undefined,
  mapped: StorageAccount | undefined,
  refuse: (why: string) => Error,
): void {
  if (account === undefined) throw refuse(`a token of ${whose} is for Azure Storage alone, and goes nowhere else`);
  if (mapped === undefined)
    throw refuse(
      `a token of ${whose} of this instance counts only where you let it: map the account with --storage-account ${account}=URL`,
    );
  const { protocol, hostname } = new URL(mapped.endpoint);
  if (protocol !== 'https:' && !/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname))
    throw refuse(`a token goes by https alone, or to this machine, and the account is mapped to ${mapped.endpoint}`);
}

/** @param local the account in whose address this one is */
function placeIn(
  { origin, pathname, search }: URL,
  local: StorageAccount | undefined,
  mapped: StorageAccount | undefined,
): Pick<SourceAddress, 'container' | 'folder' | 'containerUrl' | 'containerAt'> {
  const endpoint = local?.endpoint ?? origin;
  const path = pathname.slice(new URL(endpoint).pathname.replace(/\/$/, '').length);
  const [container = '', ...folders] = path.split('/').filter((part) => part !== '');
  // Blobs are written and listed by the protocol of blobs, also where an address names the other one.
  const blobs = (mapped?.endpoint ?? origin).replace(/\.dfs\.(core\.|storage\.azure\.net$)/, '.blob.$1');
  return {
    ...{ container, folder: folders.map(decoded).join('/'), containerUrl: `${endpoint}/${container}` },
    containerAt: new URL(`${blobs}/${container}${search}`),
  };
}

/** Blobs are named by what an address means, not by how it is written. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** What stands after the last semicolon, if it is a proof: blobs may have semicolons in their names, signatures too. */
function divided(text: string): { readonly address: string; readonly proof: string | undefined } {
  const at = text.lastIndexOf(';');
  const proof = text.slice(at + 1);
  if (at < 0 || !/^(?:[A-Za-z0-9+/]{20,}={0,2}|[A-Za-z_]+|[A-Za-z_]+=.+)$/.test(proof))
    return { address: text, proof: undefined };
  return { address: text.slice(0, at), proof };
}

/** `abfss://filesystem@account.dfs.core.windows.net/path` */
function asHttps(address: string): string {
  const [, scheme, container, host, path = ''] = /^(abfss?|wasbs?):\/\/([^@/]+)@([^/]+)(\/.*)?$/i.exec(address) ?? [];
  return scheme === undefined ? address : `https://${host}/${container}${path}`;
}

function credentialOf(
  proof: string | undefined,
  account: string | undefined,
  { hostname }: URL,
  refuse: (why: string) => Error,
): SourceCredential {
  if (proof === undefined) return { kind: 'none' };
  const why = notBuilt.find(([pattern]) => pattern.test(proof))?.[1];
  if (why !== undefined) throw refuse(why);
  const [, identity] = /^managed_identity=(.+)$/i.exec(proof) ?? [];
  if (identity !== undefined) {
    const named = identity.toLowerCase();
    if (named === 'system' || parseGuid(named) !== undefined) return { kind: 'managedIdentity', identity: named };
    throw refuse("';managed_identity=' is followed by an object id, or by 'system'");
  }
  if (/^impersonate$/i.test(proof)) return { kind: 'impersonation' };
  const [, keys] = /^AwsCredentials=(.+)$/is.exec(proof) ?? [];
  if (keys !== undefined) return accessKeys(keys, s3Host.exec(hostname)?.[1], refuse);
  const [, token] = /^token=(.+)$/is.exec(proof) ?? [];
  if (token !== undefined) return { kind: 'token', token };
  if (account === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(proof))
    throw refuse("what stands after ';' is no account key");
  return { kind: 'accountKey', account, key: proof };
}

/** @see Kusto "Storage connection strings", Amazon Web Services programmatic access keys */
function accessKeys(keys: string, region: string | undefined, refuse: (why: string) => Error): SourceCredential {
  if (region === undefined)
    throw refuse('access keys of Amazon are for https://BUCKET.s3.REGION.amazonaws.com/KEY alone');
  const [, id, secret] = /^([A-Z0-9]{16,128}),([A-Za-z0-9/+=]{16,128})$/i.exec(keys) ?? [];
  if (id === undefined || secret === undefined)
    throw refuse("';AwsCredentials=' is followed by the id of an access key, a comma, and its secret");
  return { kind: 'accessKeys', id, secret, region };
}

/** Azurite signs for the account in its path, whatever the account is called here. */
function signedFor(credential: SourceCredential, { endpoint, name }: StorageAccount): SourceCredential {
  if (credential.kind !== 'accountKey') return credential;
  const [, first] = new URL(endpoint).pathname.split('/');
  return { ...credential, account: first === undefined || first === '' ? name : first };
}
