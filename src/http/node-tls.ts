import { constants } from 'node:crypto';
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { NodeCredentials } from './node-authority.ts';
import type { OpenLinksOptions } from './open-links.ts';
import { OpenLinks } from './open-links.ts';

/** Both ends prove which node they are, under the root of nodes and no other; no end goes on from an earlier connection, which would skip that. */
const protocol = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  secureOptions: constants.SSL_OP_NO_TICKET,
  rejectUnauthorized: true,
} as const;
const handshakeMs = 10_000;

export class NodeNameError extends Error {
  override readonly name = 'NodeNameError';
  readonly code = 'OTHER_NODE';
  constructor() {
    super('The other end is a node of this instance, and not the one that was meant.');
  }
}

/** @param own for a client @param node GUID of the one that is meant
 * @throws when the other end is another node, or none, or speaks another version of TLS. What it thinks of this one shows later: it ends the connection. */
export function secureTo(socket: Socket, own: NodeCredentials, node: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured: TLSSocket = connect({
      ...{ ...protocol, ...own, socket },
      checkServerIdentity: () =>
        nodeNamed(secured.getPeerX509Certificate()) === node ? undefined : new NodeNameError(),
    });
    secured.setTimeout(handshakeMs, () => secured.destroy(new Error('The other node does not speak TLS.')));
    secured.once('error', reject).once('secureConnect', () => {
      secured.off('error', reject).setTimeout(0);
      resolve(secured);
    });
    secured.once('close', () => reject(new Error('The other node has ended the connection.')));
  });
}

export interface NodeDoor extends Omit<OpenLinksOptions, 'ended'> {
  /** For a server; asked at each connection. */
  readonly own: () => Promise<NodeCredentials>;
  /** Told of each connection whose other end is a node of the instance. */
  readonly secured: (socket: TLSSocket, node: string) => void;
  /** Of a connection that does not come in, or that was in. @param why a code */
  readonly refused: (why: string) => void;
}

/** @returns takes connections of other nodes, each as long as its other end is one */
export function secureFrom({ own, secured, refused, ...known }: NodeDoor): (socket: Socket) => void {
  const { registered, monotonicMs } = known;
  const open = new OpenLinks({ ...known, ended: refused });
  // Before it has the root of nodes it trusts none.
  const server = createServer({ ...protocol, ca: [], requestCert: true, handshakeTimeout: handshakeMs });
  server.on('secureConnection', (socket) => {
    socket.on('error', () => undefined); // it closes
    const node = nodeNamed(socket.getPeerX509Certificate());
    const refuse = (why: string): void => {
      refused(why);
      socket.destroy();
    };
    if (node === undefined || socket.isSessionReused()) {
      refuse('NO_NODE');
      return;
    }
    const askedAt = monotonicMs();
    registered().then(
      (nodes) => {
        if (!nodes.has(node)) refuse('NODE_NOT_REGISTERED');
        else if (!socket.destroyed) {
          open.add(socket, node, askedAt);
          secured(socket, node);
        }
      },
      () => refuse('NODES_NOT_KNOWN'),
    );
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    refused(codeOf(socket.authorizationError) ?? codeOf(error.code) ?? 'NO_TLS');
    socket.destroy();
  });
  let inUse: NodeCredentials | undefined;
  return (socket) => {
    socket.on('error', () => undefined); // it closes
    own().then(
      (credentials) => {
        if (socket.destroyed) return;
        if (credentials !== inUse) server.setSecureContext({ ...protocol, ...credentials });
        inUse = credentials;
        server.emit('connection', socket);
      },
      () => {
        refused('NO_CERTIFICATE_HERE');
        socket.destroy();
      },
    );
  };
}

/** Of Node's own, never of the other end's words. */
const codeOf = (code: unknown): string | undefined =>
  typeof code === 'string' && /^[A-Z0-9_]{1,80}$/.test(code) ? code : undefined;

const nodeNamed = (certificate: X509Certificate | undefined): string | undefined =>
  /^URI:urn:uuid:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(certificate?.subjectAltName ?? '')?.[1];
