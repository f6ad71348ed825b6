import type { SupervisorCalls } from '../messages/supervisor-calls.ts';

/** What of a process is this machine's own, whatever node supervises it. */
export interface OwnParts {
  readonly processScript: string;
  readonly startUpFiles: string | undefined;
  readonly extraRoots?: string | undefined;
  readonly parserScript: string;
  readonly parserSnapshots: string | undefined;
  readonly geoipDatabase: string | undefined;
  readonly memoryDirectory: string | undefined;
  /** Port of 127.0.0.1 that leads to the node that serves: its vaults, and its own process of the cluster. Known when this node listens. */
  readonly withinPort: () => number;
}

/** A process that this node cannot have: the extents are not where all nodes reach them. */
export class NotReadableHereError extends Error {
  override readonly name = 'NotReadableHereError';
}

interface Call {
  readonly kind: 'call';
  readonly operation: string;
  readonly body: unknown;
}

const isCall = (message: unknown): message is Call =>
  typeof message === 'object' &&
  message !== null &&
  'kind' in message &&
  message.kind === 'call' &&
  'operation' in message;

/** What the node that serves says to a process, with paths and addresses of this machine in place of its own. */
export class Localized {
  readonly #parts: OwnParts;
  #ca = '';

  constructor(parts: OwnParts) {
    this.#parts = parts;
  }

  /** @throws NotReadableHereError */
  message(message: unknown): unknown {
    if (!isCall(message)) return message;
    if (message.operation === 'configure')
      return { ...message, body: this.#configure(message.body as SupervisorCalls['configure']) };
    if (message.operation === 'serveData')
      return { ...message, body: this.#serveData(message.body as SupervisorCalls['serveData']) };
    return message;
  }

  #configure(body: SupervisorCalls['configure']): SupervisorCalls['configure'] {
    this.#ca = body.edge.ca;
    const { blobs } = body;
    if (blobs === undefined || 'directory' in blobs)
      throw new NotReadableHereError('The extents of the cluster lie on the disk of another node.');
    const place = { ...blobs };
    Reflect.deleteProperty(place, 'cache'); // it is on the disk of the other node
    return { ...body, edge: { ...body.edge, ...this.#within() }, blobs: place };
  }

  #serveData(body: SupervisorCalls['serveData']): SupervisorCalls['serveData'] {
    const { parserScript, parserSnapshots, geoipDatabase, memoryDirectory } = this.#parts;
    const writer = { ...this.#within(), ca: this.#ca };
    return { ...body, parserScript, parserSnapshots, geoipDatabase, memoryDirectory, writer };
  }

  #within(): { readonly address: string; readonly port: number } {
    return { address: '127.0.0.1', port: this.#parts.withinPort() };
  }
}
