import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { resourceOf } from '../src/cli/drill/drill-instance.ts';
import { database, table } from '../src/cli/drill/scene.ts';
import type { InstanceEnvironment } from '../src/server/instance-environment.ts';
import { localToken } from '../src/server/local-client.ts';
import { startKustody } from '../tests/support/kustody-command.ts';
import type { RealServer } from './real-server.ts';

/** A cluster with the table of the drill. */
export interface ReadCluster {
  readonly environment: InstanceEnvironment;
  readonly clusterHost: string;
}

/** Somebody who reads or writes rows of a cluster all the time. Times are milliseconds since 1970, to fractions. */
export interface Reader {
  readonly name: string;
  /** When a row last came, or a write was last acknowledged; 0: never. */
  lastRow(): number;
  /** When it was last refused; 0: never. */
  lastRefusal(): number;
  stop(): Promise<void>;
}

export const now = (): number => performance.timeOrigin + performance.now();

/** The official client for data, in a process that only `kustody run` has pointed at the server. */
export function officialReader({ dataDirectory }: RealServer, { clusterHost }: ReadCluster): Reader {
  const script = join(import.meta.dirname, '..', '..', 'campaign', 'official.client.mjs');
  const text = `${table} | take 100`;
  const started = startKustody([
    ...['run', '--data', dataDirectory, '--', process.execPath, script, clusterHost, database, text],
  ]);
  const seen = { rows: 0, refused: 0 };
  const { stdout } = started.process;
  if (stdout === null) throw new Error('the command has an output');
  createInterface({ input: stdout }).on('line', (line) => {
    const [word, time] = line.split(' ');
    if (word === 'rows' || word === 'refused') seen[word] = Number(time);
  });
  return {
    name: 'official client',
    lastRow: () => seen.rows,
    lastRefusal: () => seen.refused,
    stop: async () => {
      started.process.kill('SIGTERM');
      await started.result;
    },
  };
}

/** More rows than are read in minutes. */
const endless = 'set notruncation; range n from 1 to 100000000000 step 1';

/** One answer after the other that never ends: every piece that comes counts, so the frame that tells of the end, too. */
export async function streamReader(cluster: ReadCluster): Promise<Reader> {
  const body = JSON.stringify({ db: database, csl: endless });
  const send = await sender(cluster, '/v2/rest/query', 'application/json', body);
  const seen = { rows: 0, refused: 0 };
  return repeated('endless answer', seen, (signal) =>
    send(signal, (status, onPiece) => {
      if (status === 200) onPiece(() => (seen.rows = now()));
      else seen.refused = now();
    }),
  );
}

const view = 'Seen';

/** The rows of a materialized view, which this makes, again and again. */
export async function viewReader(cluster: ReadCluster): Promise<Reader> {
  const definition = `.create-or-alter materialized-view ${view} on table ${table} { ${table} | summarize Count = count() by Device }`;
  const json = 'application/json';
  const make = await sender(cluster, '/v1/rest/mgmt', json, JSON.stringify({ db: database, csl: definition }));
  await make(new AbortController().signal, (status) => {
    if (status !== 200) throw new Error(`The view was not made: ${status}.`);
  });
  const send = await sender(cluster, '/v2/rest/query', json, JSON.stringify({ db: database, csl: view }));
  const seen = { rows: 0, refused: 0 };
  return repeated('view', seen, (signal) =>
    send(signal, (status) => (seen[status === 200 ? 'rows' : 'refused'] = now())),
  );
}

/** Small ingestions, one after the other. */
export async function writer(cluster: ReadCluster): Promise<Reader> {
  const path = `/v1/rest/ingest/${database}/${table}?streamFormat=csv`;
  const send = await sender(cluster, path, 'text/csv', 'pump-new,1.5\n');
  const seen = { rows: 0, refused: 0 };
  return repeated('ingestion', seen, (signal) =>
    send(signal, (status) => (seen[status === 200 ? 'rows' : 'refused'] = now())),
  );
}

type OnAnswer = (status: number, onPiece: (took: () => void) => void) => void;

async function sender(
  { environment, clusterHost: host }: ReadCluster,
  path: string,
  type: string,
  body: string,
): Promise<(signal: AbortSignal, onAnswer: OnAnswer) => Promise<void>> {
  const token = await localToken(environment, resourceOf(host));
  return (signal, onAnswer) =>
    new Promise((resolve) => {
      const request = httpsRequest(
        {
          ...{ host: '127.0.0.1', port: environment.port, servername: host, ca: environment.caCertificate },
          ...{ agent: false, method: 'POST', path, signal },
          headers: { host, authorization: `Bearer ${token}`, 'content-type': type, 'content-length': body.length },
        },
        (response) => {
          onAnswer(response.statusCode ?? 0, (took) => response.on('data', took));
          response.on('error', () => undefined); // `close` follows
          response.on('close', resolve);
          response.resume();
        },
      );
      request.on('error', () => resolve());
      request.end(body);
    });
}

/** A moment between two tries that were refused. */
const pauseMs = 20;

function repeated(
  name: string,
  seen: { readonly rows: number; readonly refused: number },
  once: (signal: AbortSignal) => Promise<void>,
): Reader {
  const stopped = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await once(stopped.signal);
      await new Promise((resolve) => setTimeout(resolve, seen.rows < seen.refused ? pauseMs : 0));
    }
  };
  const ended = loop();
  return {
    name,
    lastRow: () => seen.rows,
    lastRefusal: () => seen.refused,
    stop: async () => {
      stopped.abort();
      await ended;
    },
  };
}
