import type { Environment } from '../cli/client-environment.ts';
import { isJsonObject, textMember } from '../base/json.ts';
import type { Json } from '../base/json.ts';
import type { InstanceEnvironment } from '../server/instance-environment.ts';
import { callLocal, succeeded } from '../server/local-client.ts';
import { createHandle, flushQueued, testSnapshot } from './handle.ts';
import { leadClients } from './lead-clients.ts';
import type { KeyState, Kustody, StartOptions } from './public.ts';
import type { SharedKustody } from './shared-public.ts';

/** One instance for all processes of a test run: the first process starts it, and the others find it in their environment. */
interface SharedInstance {
  readonly found: InstanceEnvironment;
  readonly cluster?: NonNullable<Kustody['cluster']>;
  readonly controlToken: string;
  /** For child processes. */
  readonly environment: Environment;
}

const variable = 'KUSTODY_TEST_INSTANCE';

/** Variables that name the instance and who signs in there. Proxies and trust are for child processes alone: here each connection is
 * led, and clients of other hosts stay as they are. */
const isForTests = (name: string): boolean => /^(AZURE|ARM|KUSTODY)_/.test(name);

interface Users {
  count: number;
  readonly asked: string;
  readonly started: Promise<() => Promise<void>>;
}

/** On the process: each project of a test run asks for the instance, and may load this file anew. */
const usersKey = Symbol.for('kustody.shared.users');

/** Starts the instance and puts it into the environment of this process, which those that it starts inherit. Who asks while it runs
 * shares it.
 * @returns when all have called it: stops it, and puts the environment back */
export async function startShared(options: StartOptions, env: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const asked = JSON.stringify(options);
  const running = Reflect.get(globalThis, usersKey) as Users | undefined;
  const users = running ?? { count: 0, asked, started: startOnce(options, env) };
  Reflect.set(globalThis, usersKey, users);
  if (users.asked !== asked)
    throw new Error(`This test run has an instance already, with other options: ${users.asked}`);
  users.count += 1;
  const leave = async (): Promise<void> => {
    users.count -= 1;
    if (users.count > 0) return;
    Reflect.deleteProperty(globalThis, usersKey);
    await (
      await users.started
    )();
  };
  try {
    await users.started;
  } catch (error) {
    Reflect.deleteProperty(globalThis, usersKey);
    throw error;
  }
  return leave;
}

async function startOnce(options: StartOptions, env: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  // Test files load this module, too, and have no use for a server.
  const { startInstance } = await import('./start.ts');
  const { kustody: k, found, controlToken, seeded } = await startInstance(options);
  try {
    const environment = { ...(await k.environment()), ...seeded };
    const shared: SharedInstance = {
      ...{ found, controlToken, environment },
      ...(k.cluster === undefined ? {} : { cluster: k.cluster }),
    };
    const forTests = Object.entries(environment).filter(([name]) => isForTests(name));
    const restore = setVariables(env, [...forTests, [variable, JSON.stringify(shared)]]);
    return async () => {
      restore();
      await k.close();
    };
  } catch (error) {
    await k.close();
    throw error;
  }
}

function setVariables(
  env: NodeJS.ProcessEnv,
  variables: readonly (readonly [string, string | undefined])[],
): () => void {
  const before = variables.map(([name]) => [name, env[name]] as const);
  const set = (name: string, value: string | undefined): void => {
    if (value === undefined) Reflect.deleteProperty(env, name);
    else env[name] = value;
  };
  for (const [name, value] of variables) set(name, value);
  return () => {
    for (const [name, value] of before) set(name, value);
  };
}

function sharedInstance(env: NodeJS.ProcessEnv): SharedInstance {
  const text = env[variable];
  if (text === undefined)
    throw new Error(
      "No instance of Kustody was started for this test run: name 'kustody/vitest' or 'kustody/jest' in globalSetup.",
    );
  return JSON.parse(text) as SharedInstance;
}

/** Leads the clients of this process to the instance of the test run. */
export function leadToShared(env: NodeJS.ProcessEnv): void {
  const { found } = sharedInstance(env);
  leadClients({ port: found.port, ca: found.caCertificate }, env);
}

/** The instance of the test run, as a test file uses it. */
export function connectShared(env: NodeJS.ProcessEnv): SharedKustody {
  const { found, cluster, controlToken, environment } = sharedInstance(env);
  const { handle } = createHandle(found, cluster);
  const control = async (method: string, path: string, body?: Json) =>
    succeeded(await callLocal(found, { host: 'localhost', method, path, token: controlToken, ...(body && { body }) }));
  return {
    ...handle,
    environment: () => Promise.resolve(environment),
    clock: {
      now: async () => new Date(textMember(await control('GET', '/clock'), 'now')),
      advance: async (milliseconds) => {
        await control('POST', '/clock/advance', { seconds: milliseconds / 1000 });
      },
      freeze: async () => {
        await control('POST', '/clock/freeze');
      },
      resume: async () => {
        await control('POST', '/clock/resume');
      },
    },
    faults: {
      add: async (rule) => {
        await control('POST', '/faults', { ...rule });
      },
      clear: async () => {
        await control('DELETE', '/faults');
      },
    },
    snapshot: async () => {
      const id = textMember(await control('POST', '/snapshots'), 'id');
      return testSnapshot(id, async () => {
        await control('DELETE', `/snapshots/${id}`);
      });
    },
    restore: async ({ id }) => {
      await control('POST', `/snapshots/${id}/restore`);
    },
    flushQueued: () => flushQueued(found, controlToken),
    checkKeys: async () => {
      const { clusters } = await control('POST', '/check-keys');
      return Array.isArray(clusters) ? clusters.filter(isJsonObject).map((state) => state as unknown as KeyState) : [];
    },
  };
}
