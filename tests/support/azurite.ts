import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { BlobServiceClient, ContainerSASPermissions } from '@azure/storage-blob';

export interface Azurite {
  /** Of its account: `http://127.0.0.1:10000/devstoreaccount1`. */
  readonly endpoint: string;
  readonly accountKey: string;
  /** Of the account that Azurite always has. */
  readonly connectionString: string;
  /** Makes a container. @returns its URL, with a signature that may read, create, list and delete for an hour */
  newContainer(): Promise<string>;
  stop(): Promise<void>;
}

/** The account and key that Azurite's documentation gives to everyone. */
const account = 'devstoreaccount1';
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** Starts a blob service on loopback that keeps everything in memory.
 * @param more flags of Azurite */
export async function startAzurite(more: readonly string[] = []): Promise<Azurite> {
  const program = createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js');
  const flags = ['--blobPort', '0', '--inMemoryPersistence', '--skipApiVersionCheck', '--disableTelemetry', '--silent'];
  const child = spawn(process.execPath, [program, ...flags, ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  for await (const line of createInterface(child.stdout)) {
    const origin = /successfully listens on (https?:\S+)/.exec(line)?.[1];
    if (origin === undefined) continue;
    child.stdout.resume();
    return azuriteAt(origin, async () => {
      child.kill('SIGKILL');
      await ended;
    });
  }
  throw new Error('Azurite ended before it listened.');
}

/** @param origin where it is reached: its own address, or what passes requests on */
export function azuriteAt(origin: string, stop: () => Promise<void>): Azurite {
  const endpoint = `${origin}/${account}`;
  const connectionString = `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};BlobEndpoint=${endpoint};`;
  return {
    ...{ endpoint, accountKey, connectionString, stop },
    async newContainer() {
      const container = BlobServiceClient.fromConnectionString(connectionString).getContainerClient(randomUUID());
      await container.create();
      return container.generateSasUrl({
        permissions: ContainerSASPermissions.parse('rcwdl'),
        expiresOn: new Date(Date.now() + 3_600_000),
      });
    },
  };
}
