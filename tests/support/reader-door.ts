import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { HostName } from '../../src/base/names.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import type { MonotonicMs } from '../../src/clock/monotonic-clock.ts';
import { createReaderDoor } from '../../src/cluster/supervisor/plane/reader-door.ts';
import type { RemoteProcess } from '../../src/cluster/supervisor/remote-process.ts';
import type { PassedNode } from '../../src/http/dial-node.ts';
import type { Log } from '../../src/http/logging.ts';
import { silentLog } from '../../src/http/logging.ts';
import { createNodeAuthority, issueNodeCertificate } from '../../src/http/node-authority.ts';
import { makeHello, passHeaderBytes } from '../../src/http/pass-header.ts';
import { startSystemTimer } from '../../src/http/timer.ts';

export const [east, west, north] = [14, 15, 16].map((n) => `6a5c9f0e-0000-4000-8000-0000000000${n}`) as [
  string,
  string,
  string,
];
export const readerHost = 'c.eastus.kusto.windows.net' as HostName;
export const hourMs = 3_600_000;

interface Line {
  readonly name: string;
  readonly code?: unknown;
  readonly againInMs?: unknown;
}

/** Keeps lines. */
export function keptLog(): { readonly log: Log; readonly lines: Line[] } {
  const lines: Line[] = [];
  const note: Log['event'] = (name, fields) => void lines.push({ name, ...fields });
  const failure: Log['failure'] = (name, error, fields) =>
    void lines.push({ name, ...(error instanceof Error && 'code' in error && { code: error.code }), ...fields });
  return { log: { ...silentLog, event: note, warning: note, failure }, lines };
}

/** `east`, where processes of other nodes come in over real sockets. Certificates go by a clock that is set, and a
 * connection takes those alone that are good by the machine's: so it begins twenty hours ago.
 * @param begin what it says to each first */
export async function openReaderDoor(begin: readonly object[] = []) {
  const time = { wallMs: Date.now() - 20 * hourMs };
  const root = await createNodeAuthority(time.wallMs);
  const credentials = (node: string, role: 'client' | 'server', wallMs = time.wallMs) =>
    issueNodeCertificate(root, { node, role, wallMs });
  const serving = await credentials(east, 'server');
  /** Of what it does next. */
  const door = {
    own: () => Promise.resolve(serving),
    registered: (): Promise<ReadonlySet<string>> => Promise.resolve(new Set([east, west, north])),
  };
  const { log, lines } = keptLog();
  const processes: RemoteProcess[] = [];
  const seen = { asked: 0, exits: 0 };
  const take = createReaderDoor({
    own: () => door.own(),
    registered: () => {
      seen.asked += 1;
      return door.registered();
    },
    wallMs: () => time.wallMs,
    openReader: (_, process) => {
      processes.push(process);
      for (const message of begin) process.send(message, () => undefined);
      process.onExit(() => (seen.exits += 1));
      return Promise.resolve([readerHost]);
    },
    monotonic: {
      now: () => performance.now() as MonotonicMs,
      after: (milliseconds, run) => startSystemTimer(milliseconds, () => void run()),
    },
    startTimer: startSystemTimer,
    ...{ log, version: '1' },
  });
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    socket.write(makeHello(systemRandomBytes));
    const read = (): void => {
      if (socket.read(passHeaderBytes) === null) return;
      socket.off('readable', read);
      take(socket);
    };
    socket.on('readable', read);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const node: PassedNode = {
    ...{ id: 'serving', node: east, host: '127.0.0.1', port, advertised: 'east', key: Buffer.alloc(32) },
  };
  return {
    ...{ time, door, seen, lines, processes, sockets, node, credentials },
    /** Of the links that came in, those that are open. */
    open: () => sockets.filter(({ destroyed }) => !destroyed).length,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
