import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { isJsonObject } from '../base/json.ts';
import type { Json } from '../base/json.ts';
import type { InstanceEnvironment } from '../server/control-plane.ts';
import type { ControlFile } from '../server/control-file.ts';
import { authorityFileName, readControlFile } from '../server/control-file.ts';
import { UserError } from './user-error.ts';

/** A live instance, spoken to through its control API. */
export interface ControlClient {
  readonly dataDirectory: string;
  readonly file: ControlFile;
  /** @throws UserError with the server's own message when it refuses */
  call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: Json): Promise<unknown>;
  environment(): Promise<InstanceEnvironment>;
}

const timeoutMs = 120_000;
const answerBytesMax = 64 * 1024 * 1024;

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
    const { status, text } = await exchange(file, ca, method, path, body);
    const value = parseJson(text);
    if (status >= 200 && status < 300) return value;
    const error = isJsonObject(value) && isJsonObject(value['error']) ? value['error'] : undefined;
    const message = error?.['message'];
    throw new UserError(typeof message === 'string' ? message : `Kustody answered with status ${status}.`);
  };
  return {
    dataDirectory,
    file,
    call,
    // Both ends are of this package.
    environment: async () => (await call('GET', '/environment')) as InstanceEnvironment,
  };
}

function exchange(
  file: ControlFile,
  ca: string,
  method: string,
  path: string,
  body: Json | undefined,
): Promise<{ readonly status: number; readonly text: string }> {
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: '127.0.0.1',
        port: file.port,
        servername: 'localhost',
        ca,
        agent: false,
        method,
        path,
        headers: {
          host: 'localhost',
          authorization: `Bearer ${file.token}`,
          ...(payload === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(payload.byteLength) }),
        },
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        const parts: Buffer[] = [];
        let length = 0;
        response.on('data', (part: Buffer) => {
          length += part.byteLength;
          if (length > answerBytesMax) request.destroy(new Error('The answer is too long.'));
          else parts.push(part);
        });
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') });
        });
      },
    );
    request.on('error', reject);
    request.end(payload);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
