import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { TLSSocket } from 'node:tls';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { discardedBytesMax } from '../../../src/http/leftover-body.ts';
import { startServerFixture } from '../../support/server-fixture.ts';

// A client that sends a body of which every byte is too much, and looks for an answer only when it has sent it all.

let fixture: Awaited<ReturnType<typeof startServerFixture>>;
const tokens = { arm: '', vault: '' };
beforeAll(async () => {
  fixture = await startServerFixture();
  tokens.arm = await fixture.tokenFor('https://management.azure.com');
  tokens.vault = await fixture.tokenFor('https://vault.azure.net');
  const { subscriptionId, tenantId } = fixture.environment;
  const group = `/subscriptions/${subscriptionId}/resourceGroups/rg1`;
  for (const [path, body] of [
    [`${group}?api-version=2021-04-01`, { location: 'eastus' }],
    [
      `${group}/providers/Microsoft.KeyVault/vaults/large-bodies?api-version=2023-07-01`,
      { location: 'eastus', properties: { tenantId, sku: { family: 'A', name: 'standard' }, accessPolicies: [] } },
    ],
  ] as const)
    await fixture.send({ host: 'management.azure.com', method: 'PUT', path, token: tokens.arm, body });
});
afterAll(() => fixture[Symbol.asyncDispose]());

interface Target {
  readonly host: string;
  readonly head: string;
}

const targets = {
  'the resource manager': (): Target => ({
    host: 'management.azure.com',
    head: `PUT /subscriptions/${fixture.environment.subscriptionId}/resourceGroups/rg2?api-version=2021-04-01 HTTP/1.1\r\nauthorization: Bearer ${tokens.arm}\r\ncontent-type: application/json`,
  }),
  'tokens of Entra': (): Target => ({
    host: 'login.microsoftonline.com',
    head: `POST /${fixture.environment.tenantId}/oauth2/v2.0/token HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded`,
  }),
  'a vault': (): Target => ({
    host: 'large-bodies.vault.azure.net',
    head: `PUT /secrets/s?api-version=7.4 HTTP/1.1\r\nauthorization: Bearer ${tokens.vault}\r\ncontent-type: application/json`,
  }),
  'the control API': (): Target => ({
    host: 'localhost',
    head: `POST /clock/advance HTTP/1.1\r\nauthorization: Bearer ${fixture.server.controlToken}\r\ncontent-type: application/json`,
  }),
};

async function open({ host }: Target): Promise<TLSSocket> {
  const ca = readFileSync(fixture.server.caFile);
  const socket = connect({ host: '127.0.0.1', port: fixture.server.port, servername: host, ca });
  socket.on('error', () => undefined); // told by its close
  await once(socket, 'secureConnect');
  return socket;
}

/** Sends it all before anything is read. @returns whether the other side took it all */
async function sendAll(socket: TLSSocket, { host, head }: Target, bytes: number, isChunked: boolean): Promise<boolean> {
  const framing = isChunked ? 'transfer-encoding: chunked' : `content-length: ${bytes}`;
  socket.write(`${head}\r\nhost: ${host}\r\n${framing}\r\n\r\n`);
  const piece = Buffer.alloc(64 * 1024, 32);
  const framed = isChunked ? Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')]) : piece;
  const gone = new Promise((resolve) => socket.once('close', resolve));
  for (let sent = 0; sent < bytes; sent += piece.length) {
    if (socket.destroyed) return false;
    if (!socket.write(framed)) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), gone]);
  }
  if (isChunked) socket.write('0\r\n\r\n');
  return !socket.destroyed;
}

/** @returns everything that comes until it has this text, or the connection ends */
function readUntil(socket: TLSSocket, text: string): Promise<string> {
  return new Promise((resolve) => {
    let all = '';
    const take = (piece: Buffer): void => {
      all += piece.toString();
      if (!all.includes(text)) return;
      socket.off('data', take);
      resolve(all);
    };
    socket.on('data', take).once('close', () => resolve(all));
  });
}

describe.each(Object.keys(targets) as (keyof typeof targets)[])('a body that is too large for %s', (name) => {
  it.each([false, true])('is answered, and the connection goes on (in chunks: %s)', async (isChunked) => {
    const target = targets[name]();
    const socket = await open(target);
    expect(await sendAll(socket, target, 8 * 1024 * 1024, isChunked)).toBe(true);
    socket.write(`GET /nothing HTTP/1.1\r\nhost: ${target.host}\r\nconnection: close\r\n\r\n`);
    const answers = await readUntil(socket, 'no such text');
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', expect.stringMatching(/ (400|401|404)$/)]);
  });
});

it('that never ends is not read for ever', async () => {
  const target = targets['tokens of Entra']();
  const socket = await open(target);
  expect(await sendAll(socket, target, 2 * discardedBytesMax, true)).toBe(false);
});
