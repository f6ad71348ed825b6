import { InvalidArgumentError, Option } from 'commander';
import { resolve } from 'node:path';
import type { ServerSettings } from '../server/settings.ts';
import { defaultBlobsCacheBytes } from '../server/settings.ts';
import type { ContainerCredential } from '../server/container/connection-string.ts';
import { parseConnectionString } from '../server/container/connection-string.ts';
import { ContainerAddressError, parseContainerAddress } from '../server/container/container-address.ts';
import { readPrivateFile } from './private-file.ts';
import { parseDescriptor, readDescriptor } from './read-descriptor.ts';
import { UserError } from './user-error.ts';

/** Where a connection string is. */
export type CredentialSource =
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'fd'; readonly descriptor: number };

export interface BlobsOptions {
  readonly blobs?: string;
  readonly blobsCredential?: CredentialSource;
  /** In MiB. */
  readonly blobsCache?: number;
}

/** @param end of a move: `from-` or `to-` */
export const blobsOption = (
  end = '',
  means = 'keep sealed extents in a container of Azure Blob Storage: https://ACCOUNT.blob.core.windows.net/CONTAINER, without a signature',
): Option =>
  new Option(`--${end}blobs <URL>`, means).argParser((text: string) => {
    try {
      return parseContainerAddress(text);
    } catch (error) {
      // Commander would repeat the address.
      if (error instanceof ContainerAddressError) throw new UserError(error.message);
      throw error;
    }
  });

export const blobsCredentialOption = (end = ''): Option =>
  new Option(
    `--${end}blobs-credential <SOURCE>`,
    `where the connection string for --${end}blobs is: env:NAME, file:PATH (mode 0600) or fd:N (default: DefaultAzureCredential)`,
  ).argParser(parseSource);

const mebibyte = 1024 ** 2;
/** A tebibyte. */
const cacheMebibytesMax = 1024 ** 2;

export const blobsCacheOption = (): Option =>
  new Option(
    '--blobs-cache <MIB>',
    `so much of what each cluster reads from --blobs is kept on the disk of the data directory, sealed as it is; 0 keeps nothing (default: ${defaultBlobsCacheBytes / mebibyte})`,
  ).argParser((text) => {
    const mebibytes = Number(text);
    if (/^[0-9]+$/.test(text) && mebibytes <= cacheMebibytesMax) return mebibytes;
    throw new InvalidArgumentError(`Give whole mebibytes, 0 to ${cacheMebibytesMax}.`);
  });

function parseSource(text: string): CredentialSource {
  const [, kind, rest = ''] = /^(env|file|fd):(.+)$/s.exec(text) ?? [];
  if (kind === 'env' && /^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(rest)) return { kind, name: rest };
  if (kind === 'file') return { kind, path: resolve(rest) };
  if (kind === 'fd') return { kind, descriptor: parseDescriptor(rest) };
  // Not repeated: it may be the secret itself.
  throw new UserError(
    '--blobs-credential says where the connection string is, not what it is: every user of this machine can see arguments.',
    'Write env:NAME, file:PATH or fd:N.',
  );
}

/** What `--blobs` and `--blobs-credential` say. What comes from the environment is taken out of it, so that no child inherits it.
 * @throws UserError */
export async function blobsPlaceOf(
  { blobs: container, blobsCredential: source, blobsCache }: BlobsOptions,
  env: NodeJS.ProcessEnv,
): Promise<Pick<ServerSettings, 'blobs' | 'containerAccess' | 'blobsCacheBytes'>> {
  if (container === undefined) {
    if (blobsCache !== undefined) throw new UserError('--blobs-cache is for a container that --blobs names.');
    if (source === undefined) return {};
    throw new UserError('--blobs-credential is for a container that --blobs names.');
  }
  const credential = source === undefined ? undefined : credentialFrom(source, container, env);
  const { createContainerAccess } = await import('../server/container/container-access.ts');
  return {
    blobs: { container },
    containerAccess: createContainerAccess(container, credential, () => Date.now()),
    ...(blobsCache === undefined ? {} : { blobsCacheBytes: blobsCache * mebibyte }),
  };
}

function credentialFrom(source: CredentialSource, container: string, env: NodeJS.ProcessEnv): ContainerCredential {
  const parse = (text: string): ContainerCredential => {
    try {
      return parseConnectionString(text, container);
    } catch (error) {
      if (error instanceof ContainerAddressError) throw wrong(error.message);
      throw error;
    }
  };
  switch (source.kind) {
    case 'fd':
      return readDescriptor(source.descriptor, parse);
    case 'file':
      return parse(readPrivateFile(source.path, (what) => wrong(`${what}.`)));
    case 'env': {
      const text = env[source.name];
      Reflect.deleteProperty(env, source.name);
      if (text === undefined) throw wrong(`There is no variable ${source.name}.`);
      return parse(text);
    }
  }
}

const wrong = (what: string): UserError => new UserError(`The connection string of --blobs: ${what}`);
