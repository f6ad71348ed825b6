import type { Json } from '../../base/json.ts';
import type { InstanceEnvironment } from '../../server/instance-environment.ts';
import type { LocalAnswer } from '../../server/local-request.ts';
import { parseJsonBody, sendLocal } from '../../server/local-request.ts';
import { localToken } from '../../server/local-client.ts';
import type { RunningServer } from '../../server/start-server.ts';

/** A private instance whose clock only the drill moves. */
export interface DrillInstance {
  readonly environment: InstanceEnvironment;
  /** Milliseconds on the Kustody clock. */
  now(): number;
  /** Lets time pass; key checks that fall due on the way are made. Nothing is checked out of turn. */
  pass(seconds: number): Promise<void>;
  addFault(rule: Json): Promise<void>;
  clearFaults(): Promise<void>;
  /** Of the only cluster. */
  warning(): Promise<string | undefined>;
}

/** @param server made with virtual time */
export async function drillInstance(server: RunningServer): Promise<DrillInstance> {
  const { clocks, faults, checkKeys } = server.controls;
  const { virtual } = clocks;
  if (virtual === undefined) throw new Error('A drill needs virtual time.');
  await virtual.freeze();
  return {
    environment: await server.environment(),
    now: () => virtual.now(),
    pass: async (seconds) => {
      await virtual.advance(seconds * 1000);
    },
    addFault: async (rule) => {
      if ((await faults.add(rule)) === undefined) throw new Error('This is no fault rule.');
    },
    clearFaults: () => faults.clear(),
    warning: async () => (await checkKeys()).find(({ custody }) => custody === 'customer')?.warning,
  };
}

export interface DrillRequest {
  readonly host: string;
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: Json | Buffer;
}

export interface DrillAnswer extends LocalAnswer {
  readonly value: unknown;
}

export type Send = (request: DrillRequest) => Promise<DrillAnswer>;

/** Requests as any client of the instance sends them, with the token that belongs to the host. */
export function senderOf(environment: InstanceEnvironment): Send {
  const tokens = new Map<string, Promise<string>>();
  const edge = { address: '127.0.0.1', port: environment.port, ca: environment.caCertificate };
  return async ({ host, method, path, body }) => {
    const resource = resourceOf(host);
    const token = tokens.get(resource) ?? localToken(environment, resource);
    tokens.set(resource, token);
    const bytes = Buffer.isBuffer(body) || body === undefined ? body : Buffer.from(JSON.stringify(body));
    const answer = await sendLocal(edge, {
      ...{ host, method, path, timeoutMs: 120_000, answerBytesMax: 16 * 1024 * 1024 },
      headers: {
        accept: 'application/json', // else Data Explorer tells most of its errors as plain text, without a name
        authorization: `Bearer ${await token}`,
        ...(bytes === undefined ? {} : { 'content-type': Buffer.isBuffer(body) ? 'text/csv' : 'application/json' }),
      },
      ...(bytes === undefined ? {} : { body: bytes }),
    });
    return { ...answer, value: parseJsonBody(answer.body) };
  };
}

export function resourceOf(host: string): string {
  if (host.endsWith('.vault.azure.net')) return 'https://vault.azure.net';
  return host.endsWith('.kusto.windows.net') ? 'https://kusto.kusto.windows.net' : 'https://management.azure.com';
}
