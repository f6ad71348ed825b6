import type { TokenCredential } from '@azure/core-auth';
import type { ContainerCredential } from './connection-string.ts';
import type { AskAccess, ContainerAccess } from '../../storage/placed-blobs.ts';
import { BlobsUnavailableError } from '../../storage/blob-store.ts';

/** Long enough that a machine whose clock is some minutes off has access, too. */
const signatureMs = 60 * 60_000;
const earlyMs = 15 * 60_000;
const tokenScope = 'https://storage.azure.com/.default';
const tokenMsMax = 20_000;

/** Gives processes of clusters what they reach the container with, for less than an hour, and for that container alone where the credential
 * allows it: an account key stays in this process.
 * @param credential undefined: whoever `DefaultAzureCredential` finds; then it is a token of that one */
export function createContainerAccess(
  container: string,
  credential: ContainerCredential | undefined,
  wallNow: () => number,
  findCredential: () => Promise<TokenCredential> = defaultCredential,
): AskAccess {
  switch (credential?.kind) {
    case 'signature':
      return () => Promise.resolve({ kind: 'signature', value: credential.query, goodForMs: Infinity });
    case 'accountKey':
      return () => signed(container, credential, wallNow());
    case undefined: {
      let found: Promise<TokenCredential> | undefined;
      return async () => tokenOf(await (found ??= findCredential()), container, wallNow);
    }
  }
}

/** Read, create, write, delete, list: what a store does. Nothing that is there can be found by who has it for another container. */
async function signed(
  container: string,
  { account, key }: Extract<ContainerCredential, { kind: 'accountKey' }>,
  now: number,
): Promise<ContainerAccess> {
  const { ContainerClient, ContainerSASPermissions, SASProtocol, StorageSharedKeyCredential } =
    await import('@azure/storage-blob');
  const url = await new ContainerClient(container, new StorageSharedKeyCredential(account, key)).generateSasUrl({
    permissions: ContainerSASPermissions.parse('rcwdl'),
    protocol: container.startsWith('https:') ? SASProtocol.Https : SASProtocol.HttpsAndHttp,
    expiresOn: new Date(now + signatureMs),
  });
  return { kind: 'signature', value: new URL(url).search.slice(1), goodForMs: signatureMs - earlyMs };
}

async function tokenOf(
  credential: TokenCredential,
  container: string,
  wallNow: () => number,
): Promise<ContainerAccess> {
  const token = await credential
    .getToken(tokenScope, { abortSignal: AbortSignal.timeout(tokenMsMax) })
    .catch(() => null); // its words may show what it tried
  if (token === null)
    throw new BlobsUnavailableError(
      `there is no token for ${container}: DefaultAzureCredential finds nobody who signs in.`,
    );
  // What is kept is asked for again early; who gives it may have kept it, too.
  return { kind: 'token', value: token.token, goodForMs: Math.max(0, (token.expiresOnTimestamp - wallNow()) / 2) };
}

async function defaultCredential(): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential();
}
