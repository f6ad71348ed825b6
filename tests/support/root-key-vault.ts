import { join } from 'node:path';
import type { StartedCommand } from './kustody-command.ts';
import { kustody, startKustody, temporaryDirectory } from './kustody-command.ts';
import { openKeyOwner, vaultHost } from './outside-vault.ts';
import { optionsOfPortsApart } from './ports-apart.ts';

type Variables = Readonly<Record<string, string>>;

/** An instance whose vault wraps the root keys of others, which are served by `kustody up` as a user starts it. */
export async function openRootKeyOwner() {
  const directory = temporaryDirectory();
  const [owned, credential] = [join(directory.path, 'owner'), join(directory.path, 'credential.json')];
  const start = (data: string, args: readonly string[], variables: Variables = {}): StartedCommand =>
    startKustody(['up', '--data', data, '--log-level', 'silent', ...args], variables);
  const serve = async (data: string, args: readonly string[], variables: Variables = {}): Promise<StartedCommand> => {
    const server = start(data, args, variables);
    await server.printed('Stop with');
    return server;
  };
  const stop = async (server: StartedCommand): Promise<void> => {
    server.process.kill('SIGTERM');
    await server.result;
  };
  const owner = await serve(owned, await optionsOfPortsApart());
  const keys = await openKeyOwner(owned);
  keys.writeCredential(credential, { identities: ['root-key'] });
  const outsideAt = (host: string): readonly string[] => ['--vault', `${host}=file:${credential}`];
  const outside = outsideAt(vaultHost);
  return {
    ...{ data: owned, keys, outside, outsideAt, serve, stop },
    placeOf: (name: string) => join(directory.path, name),
    /** Options of a command whose root key is in the vault. */
    now: (kid: string) => [...outside, '--root-key-vault', kid],
    subscriptionOf: async (data: string): Promise<string | undefined> =>
      (await kustody(['env', '--data', data])).stdout.match(/AZURE_SUBSCRIPTION_ID=\S+/)?.[0],
    /** What a start that is refused says. */
    refusal: async (data: string, args: readonly string[], variables: Variables = {}): Promise<string> => {
      const { code, stderr } = await start(data, args, variables).result;
      return code === 1 ? stderr : `ended with ${code}`;
    },
    close: async () => {
      await stop(owner);
      directory[Symbol.dispose]();
    },
  };
}
