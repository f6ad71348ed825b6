import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect as connectTcp, createServer } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { connect, createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostName } from '../base/names.ts';
import { until } from '../../tests/support/until.ts';
import type { AuthorityMaterial } from './certificate-authority.ts';
import { createAuthorityMaterial, openAuthority } from './certificate-authority.ts';
import type { NodeCredentials, NodeRole } from './node-authority.ts';
import { createNodeAuthority, createNodeIdentity, issueNodeCertificate } from './node-authority.ts';
import { secureFrom, secureTo } from './node-tls.ts';
import { startSystemTimer } from './timer.ts';

const hourMs = 3_600_000;
const east = '6a5c9f0e-0000-4000-8000-00000000000e';
const west = '6a5c9f0e-0000-4000-8000-00000000000f';
const gone = '6a5c9f0e-0000-4000-8000-0000000000aa';

let root: AuthorityMaterial;
let other: AuthorityMaterial;
beforeAll(async () => {
  [root, other] = await Promise.all([createNodeAuthority(Date.now()), createNodeAuthority(Date.now())]);
});

interface Made {
  readonly of?: AuthorityMaterial;
  readonly node?: string;
  readonly role?: NodeRole;
  readonly wallMs?: number;
}

const made = ({ of = root, node = west, role = 'client', wallMs = Date.now() }: Made = {}): Promise<NodeCredentials> =>
  issueNodeCertificate(of, { node, role, wallMs });

/** What is opened is closed with the test file. */
const opened: { destroy: () => unknown }[] = [];
afterAll(() => opened.forEach((one) => one.destroy()));

/** The door of `east`, to which `west` alone is known. */
async function openDoor(own?: () => Promise<NodeCredentials>, isRegistered = (): boolean => true) {
  const mine = await made({ node: east, role: 'server' });
  const seen = { refused: [] as string[], taken: [] as string[] };
  const take = secureFrom({
    own: own ?? (() => Promise.resolve(mine)),
    registered: () => Promise.resolve(new Set(isRegistered() ? [west] : [])),
    ...{ startTimer: startSystemTimer, monotonicMs: () => performance.now(), wallMs: () => Date.now() },
    secured: (socket, node) => {
      seen.taken.push(node);
      socket.write('taken');
    },
    refused: (why) => seen.refused.push(why),
  });
  const server = createServer((socket) => {
    opened.push(socket);
    take(socket);
  });
  server.listen(0, '127.0.0.1');
  opened.push({ destroy: () => server.close() });
  await once(server, 'listening');
  const dial = async (): Promise<Socket> => {
    const socket = connectTcp((server.address() as AddressInfo).port, '127.0.0.1');
    opened.push(socket.on('error', () => undefined));
    await once(socket, 'connect');
    return socket;
  };
  return { seen, dial };
}

/** @returns whether the other end has taken it */
const isTaken = (socket: TLSSocket): Promise<boolean> =>
  new Promise((resolve) => {
    socket.on('data', () => resolve(true)).on('error', () => undefined);
    socket.on('close', () => resolve(false));
  });

/** What vouches for the names that clients ask for vouches for no node, though the same instance has made it. */
async function ofClients(): Promise<ConnectionOptions> {
  const time = { wallClock: () => Date.now() };
  const authority = await openAuthority(await createAuthorityMaterial(time), time);
  const { chainPem, privateKeyPem } = await authority.leafFor('localhost' as HostName);
  return { cert: chainPem, key: privateKeyPem };
}

/** As versions spoke to each other that had no authority of nodes. */
const ofBefore: ConnectionOptions = {
  ...{ ciphers: 'ECDHE-PSK-CHACHA20-POLY1305', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' },
  pskCallback: () => ({ psk: Buffer.alloc(32, 1), identity: 'kustody node' }),
  checkServerIdentity: () => undefined,
};

/** Whatever a client says, on its own terms. */
async function offer(options: ConnectionOptions) {
  const { seen, dial } = await openDoor();
  const socket = connect({ socket: await dial(), rejectUnauthorized: false, ...options });
  const wasTaken = await isTaken(socket);
  await until(() => wasTaken || seen.refused.length > 0);
  return { isTaken: wasTaken, ...seen };
}

describe('TLS between nodes', () => {
  it('takes a node that is registered, by TLS 1.3, and says which it is', async () => {
    const { seen, dial } = await openDoor();
    const socket = await secureTo(await dial(), await made(), east);
    expect(socket.getProtocol()).toBe('TLSv1.3');
    expect(await isTaken(socket)).toBe(true);
    expect(seen).toEqual({ refused: [], taken: [west] });
  });

  it.each<[string, () => Promise<ConnectionOptions>, string]>([
    ['without a certificate', () => Promise.resolve({}), 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'],
    ['of another authority', async () => made({ of: other }), 'SELF_SIGNED_CERT_IN_CHAIN'],
    ['of the authority that clients trust', ofClients, 'INVALID_PURPOSE'],
    ['whose certificate has ended', async () => made({ wallMs: Date.now() - 25 * hourMs }), 'CERT_HAS_EXPIRED'],
    ['whose certificate is of the future', async () => made({ wallMs: Date.now() + 2 * hourMs }), 'CERT_NOT_YET_VALID'],
    ['with the certificate of a server', async () => made({ role: 'server' }), 'INVALID_PURPOSE'],
    ['that is not registered', async () => made({ node: gone }), 'NODE_NOT_REGISTERED'],
    ['by TLS 1.2', async () => ({ ...(await made()), maxVersion: 'TLSv1.2' }), 'ERR_SSL_UNSUPPORTED_PROTOCOL'],
    ['of an earlier version, under a key of both', () => Promise.resolve(ofBefore), 'ERR_SSL_UNSUPPORTED_PROTOCOL'],
  ])('refuses a node %s, and says why', async (_, options, why) => {
    expect(await offer(await options())).toEqual({ isTaken: false, refused: [why], taken: [] });
  });

  it('refuses a node that has left meanwhile', async () => {
    let isThere = true;
    const { seen, dial } = await openDoor(undefined, () => isThere);
    const own = await made();
    expect(await isTaken(await secureTo(await dial(), own, east))).toBe(true);
    isThere = false;
    expect(await isTaken(await secureTo(await dial(), own, east))).toBe(false);
    expect(seen).toEqual({ refused: ['NODE_NOT_REGISTERED'], taken: [west] });
  });

  it('lets no client go on from an earlier connection, which would skip the proof', async () => {
    const { seen, dial } = await openDoor();
    const own = await made();
    const first = connect({ ...own, socket: await dial(), checkServerIdentity: () => undefined });
    const session = new Promise<Buffer>((resolve) => first.once('session', resolve));
    expect(await isTaken(first)).toBe(true);
    const { ca } = own; // and no certificate
    const next = connect({ ca, socket: await dial(), session: await session, checkServerIdentity: () => undefined });
    expect(await isTaken(next)).toBe(false);
    expect(seen).toEqual({ refused: ['ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'], taken: [west] });
  });

  it.each<[string, Made, string]>([
    ['of another authority', { node: east, role: 'server' }, 'SELF_SIGNED_CERT_IN_CHAIN'],
    ['that is another node', { node: gone, role: 'server' }, 'OTHER_NODE'],
    ['with the certificate of a client', { node: east, role: 'client' }, 'INVALID_PURPOSE'],
    [
      'whose certificate has ended',
      { node: east, role: 'server', wallMs: Date.now() - 25 * hourMs },
      'CERT_HAS_EXPIRED',
    ],
  ])('does not speak to a server %s', async (_, server, code) => {
    const own = await made({ ...server, of: code === 'SELF_SIGNED_CERT_IN_CHAIN' ? other : root });
    const { dial } = await openDoor(() => Promise.resolve(own));
    await expect(secureTo(await dial(), await made(), east)).rejects.toMatchObject({ code });
  });

  it('does not speak to a server of TLS 1.2', async () => {
    const own = await made({ node: east, role: 'server' });
    const server = createTlsServer({ ...own, maxVersion: 'TLSv1.2' }).on('tlsClientError', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connectTcp((server.address() as AddressInfo).port, '127.0.0.1');
    opened.push(socket, { destroy: () => server.close() });
    await once(socket, 'connect');
    const code = 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION';
    await expect(secureTo(socket, await made(), east)).rejects.toMatchObject({ code });
  });

  it('takes nobody while this node has no certificate', async () => {
    const { seen, dial } = await openDoor(() => Promise.reject(new Error('The state is gone.')));
    const own = await made();
    await expect(secureTo(await dial(), own, east)).rejects.toThrow();
    expect(seen).toEqual({ refused: ['NO_CERTIFICATE_HERE'], taken: [] });
  });
});

describe('what a node proves with', () => {
  const identity = (time: { wallMs: number; monotonicMs: number }, authority = () => root) =>
    createNodeIdentity({
      ...{ node: west, role: 'client', authority: () => Promise.resolve(authority()) },
      ...{ wallClock: () => time.wallMs, monotonicMs: () => time.monotonicMs },
    });
  const daysOf = ({ cert }: NodeCredentials): readonly number[] => {
    const { validFrom, validTo } = new X509Certificate(cert);
    return [validFrom, validTo].map((text) => Date.parse(text));
  };

  it('is good for a day, and made anew every eight hours that pass, with another key', async () => {
    const time = { wallMs: Math.floor(Date.now() / 1_000) * 1_000, monotonicMs: 5 };
    const own = identity(time);
    const first = await own();
    expect(daysOf(first)).toEqual([time.wallMs - hourMs, time.wallMs + 24 * hourMs]);
    const pass = (milliseconds: number): void => {
      time.wallMs += milliseconds;
      time.monotonicMs += milliseconds;
    };
    pass(8 * hourMs - 1);
    expect(await own()).toBe(first);
    pass(1);
    const second = await own();
    expect(second.key).not.toBe(first.key);
    expect(daysOf(second)[1]).toBe(time.wallMs - (time.wallMs % 1_000) + 24 * hourMs);
  });

  it('is made anew where the wall clock was set, and where the authority is another one', async () => {
    const time = { wallMs: Date.now(), monotonicMs: 0 };
    let authority = root;
    const own = identity(time, () => authority);
    const first = await own();
    time.wallMs -= hourMs;
    const second = await own();
    authority = other;
    const third = await own();
    expect(new Set([first.cert, second.cert, third.cert]).size).toBe(3);
    expect([first.ca, second.ca, third.ca]).toEqual([root, root, other].map(({ certificatePem }) => certificatePem));
  });
});
