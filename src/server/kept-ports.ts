import { once } from 'node:events';
import { createServer } from 'node:net';
import { invariant } from '../base/invariant.ts';
import { isJsonObject } from '../base/json.ts';
import type { State, Table } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';
import type { ServerPorts } from './settings.ts';

/** The ports of a data directory that nobody has served yet, if they are free. */
export const firstPorts: ServerPorts = { port: 7443, kustoPort: 7444, proxyPort: 7480 };

/** So many further ports are tried, one after the other; then any. */
const furtherMax = 50;

export const portsTable: Table<ServerPorts> = {
  name: 'ports',
  parse: (value) => {
    invariant(isJsonObject(value), 'kept ports are numbers');
    const { port, proxyPort, kustoPort = firstPorts.kustoPort } = value;
    invariant(
      typeof port === 'number' && typeof proxyPort === 'number' && typeof kustoPort === 'number',
      'kept ports are numbers',
    );
    return { port, proxyPort, kustoPort };
  },
};

/** Ports on which a data directory was served last, so that a shell that was pointed at it survives a restart; where one is taken, the next that is
 * free. Somebody else may take it before it is listened on: then whoever listens has others chosen.
 * @param host of all listeners */
export async function choosePorts(state: State, host: string): Promise<ServerPorts> {
  const kept = (await state.get(portsTable, 'ports'))?.value ?? firstPorts;
  const port = await freePort(host, kept.port, []);
  const kustoPort = await freePort(host, kept.kustoPort, [port]);
  return { port, kustoPort, proxyPort: await freePort(host, kept.proxyPort, [port, kustoPort]) };
}

export async function keepPorts(state: State, ports: ServerPorts): Promise<void> {
  const found = await state.get(portsTable, 'ports');
  const { port, proxyPort, kustoPort } = ports;
  const before = found?.value;
  if (before?.port === port && before.proxyPort === proxyPort && before.kustoPort === kustoPort) return;
  await state.commit({ write: [writeRecord(portsTable, 'ports', found?.version ?? null, ports)] });
}

async function freePort(host: string, first: number, taken: readonly number[]): Promise<number> {
  for (let port = first; port <= Math.min(first + furtherMax, 65_535); port += 1) {
    if (!taken.includes(port) && (await isFree(host, port))) return port;
  }
  return 0;
}

/** Whether somebody could listen there now. */
export async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  server.listen({ host, port, exclusive: true });
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
