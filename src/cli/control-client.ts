import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isJsonObject } from '../base/json.ts';
import type { Json } from '../base/json.ts';
import type { InstanceEnvironment } from '../server/instance-environment.ts';
import type { ControlFile } from '../server/control-file.ts';
import { authorityFileName, readControlFile } from '../server/control-file.ts';
import type { LocalAnswer } from '../server/local-request.ts';
import { parseJsonBody, sendLocal } from '../server/local-request.ts';
import { UserError } from './user-error.ts';

/** A live instance, spoken to through its control API. */
export interface ControlClient {
  readonly dataDirectory: string;
  readonly file: ControlFile;
  /** @throws UserError with the server's own message when it refuses */
  call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: Json): Promise<unknown>;
  /** An answer that is bytes. @throws UserError as `call` does */
  download(path: string): Promise<Pick<LocalAnswer, 'headers' | 'body'>>;
  /** Once it is ready: a start may be under way, and its seed. */
  environment(): Promise<InstanceEnvironment>;
}

const timeoutMs = 120_000;
const readyAgainMs = 100;
const answerBytesMax = 64 * 1024 * 1024;
const downloadBytesMax = 2 * 1024 ** 3;

/** @returns undefined when no live instance works on the directory */
export async function findInstance(dataDirectory: string): Promise<ControlClient | undefined> {
  const file = readControlFile(dataDirectory);
  if (file === undefined) return undefined;
  let ca: string;
  try {
    ca = readFileSync(join(dataDirectory, authorityFileName), 'utf8');
  } catch {
    return undefined;
  }
  const client = connect(dataDirectory, file, ca);
  try {
    // The token is new with each start, so a stranger that has got the port since is not taken for ours.
    await client.call('GET', '/status');
    return client;
  } catch {
    return undefined;
  }
}

/** @throws UserError when nothing runs there */
export async function requireInstance(dataDirectory: string): Promise<ControlClient> {
  const client = await findInstance(dataDirectory);
  if (client !== undefined) return client;
  throw new UserError(
    `No Kustody runs on ${dataDirectory}.`,
    `Start one with 'kustody up --data ${dataDirectory}', or call this inside 'kustody run -- …'.`,
  );
}

function connect(dataDirectory: string, file: ControlFile, ca: string): ControlClient {
  const call: ControlClient['call'] = async (method, path, body) => {
    const answer = await exchange(file, ca, method, path, body);
    return parseJsonBody(succeeded(answer).body);
  };
  return {
    dataDirectory,
    file,
    call,
    download: async (path) => succeeded(await exchange(file, ca, 'GET', path, undefined, downloadBytesMax)),
    // Both ends are of this package.
    environment: async () => {
      while ((await exchange(file, ca, 'GET', '/readyz', undefined)).status === 503) await pause(readyAgainMs);
      return (await call('GET', '/environment')) as InstanceEnvironment;
    },
  };
}

async function exchange(
  file: ControlFile,
  ca: string,
  method: string,
  path: string,
  body: Json | undefined,
  bytesMax = answerBytesMax,
): Promise<LocalAnswer> {
  return sendLocal(
    { address: '127.0.0.1', port: file.port, ca },
    {
      ...{ host: 'localhost', method, path, timeoutMs, answerBytesMax: bytesMax },
      headers: {
        authorization: `Bearer ${file.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
    },
  );
}

function succeeded(answer: LocalAnswer): LocalAnswer {
  const { status, body } = answer;
  if (status >= 200 && status < 300) return answer;
  const value = parseJsonBody(body);
  const error = isJsonObject(value) && isJsonObject(value['error']) ? value['error'] : undefined;
  const message = error?.['message'];
  throw new UserError(typeof message === 'string' ? message : `Kustody answered with status ${status}.`);
}
