import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { isJsonObject } from '../../base/json.ts';
import { localToken } from '../../server/local-client.ts';
import { resourceOf } from './drill-instance.ts';
import type { Outcome } from './outcome.ts';
import { outcomeOf, refusal, served } from './outcome.ts';
import { firstCell, rowsOf } from './result-cells.ts';
import type { Scene } from './scene.ts';
import { arm, armVersions, database, kusto, operationAt, rotateTo, table } from './scene.ts';

/** Rows of the table, or why nobody may know. */
export async function countRows(scene: Scene): Promise<{ readonly outcome: Outcome; readonly rows?: number }> {
  const answer = await kusto(scene, 'query', `${table} | count`);
  const outcome = outcomeOf(answer);
  if (outcome.kind !== 'served') return { outcome };
  const rows = firstCell(answer.value);
  return typeof rows === 'number' ? { outcome, rows } : { outcome: { kind: 'cutOff', error: 'no count' } };
}

/** What is asked while the key is in trouble, of the cluster alone. */
type PlainAction = 'query' | 'command' | 'ingestion' | 'start' | 'rotate';

export const actions: Readonly<Record<PlainAction, (scene: Scene) => Promise<Outcome>>> = {
  query: async (scene) => (await countRows(scene)).outcome,
  command: async (scene) => outcomeOf(await kusto(scene, 'mgmt', `.show table ${table} details`)),
  ingestion: async ({ send, clusterHost }) =>
    outcomeOf(
      await send({
        host: clusterHost,
        method: 'POST',
        path: `/v1/rest/ingest/${database}/${table}?streamFormat=csv`,
        body: Buffer.from('pump-new,1.5\n'),
      }),
    ),
  start: async (scene) => {
    const answer = await arm(scene, 'POST', `${scene.clusterPath}/start`, armVersions.kusto);
    const url = answer.headers['azure-asyncoperation'];
    if (answer.status >= 300 || typeof url !== 'string') return outcomeOf(answer);
    const { value } = await operationAt(scene, url);
    const { status, error } = isJsonObject(value) ? value : {};
    if (status === 'Succeeded') return served;
    return isJsonObject(error) ? refusal(error['code'], error['message']) : refusal(undefined, undefined);
  },
  rotate: async (scene) => outcomeOf(await rotateTo(scene, scene.versions[1])),
};

/** A query that is under way. */
export interface RunningQuery {
  /** Reads the rest; a computation that goes on is cancelled. */
  finish(): Promise<Outcome>;
}

/** It computes for hours, and nothing of its answer is out when the key goes. */
const computation = 'range n from 1 to 100000000000 step 1 | summarize sum(n % 7)';
/** Its answer is more than all buffers on the way hold: it cannot end before somebody reads. */
const longAnswer = 'set notruncation; range n from 1 to 6000000 step 1';
const endCharacters = 4_096;

/** Resolves when the cluster computes. */
export async function beginComputation(scene: Scene): Promise<RunningQuery> {
  const answer = kusto(scene, 'query', computation);
  const ended = answer.then(outcomeOf, (): Outcome => ({ kind: 'cutOff', error: 'connection closed' }));
  for (;;) {
    const shown = (await kusto(scene, 'mgmt', '.show queries')).value;
    const id = rowsOf(shown).find((row) => row.includes(computation))?.[0];
    if (typeof id !== 'string') continue;
    return {
      finish: async () => {
        await kusto(scene, 'mgmt', `.cancel query "${id}"`);
        return ended;
      },
    };
  }
}

/** Resolves when the answer has begun; the rest waits in the cluster until `finish`. */
export async function beginLongAnswer({ instance, clusterHost, recorder }: Scene): Promise<RunningQuery> {
  const { environment } = instance;
  const token = await localToken(environment, resourceOf(clusterHost));
  const body = Buffer.from(JSON.stringify({ db: database, csl: longAnswer }));
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpsRequest(
      {
        ...{ host: '127.0.0.1', port: environment.port, servername: clusterHost, ca: environment.caCertificate },
        ...{ agent: false, method: 'POST', path: '/v2/rest/query' },
        headers: {
          host: clusterHost,
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'content-length': String(body.byteLength),
        },
      },
      resolve,
    );
    request.on('error', reject);
    request.end(body);
  });
  let broken = false;
  response.on('error', () => (broken = true)); // it may break while nobody reads
  return {
    finish: async () => {
      const outcome = await new Promise<Outcome>((resolve) => {
        let end = '';
        response.on('data', (piece: Buffer) => {
          end = (end + piece.subarray(-endCharacters).toString('latin1')).slice(-endCharacters);
        });
        response.on('close', () => resolve(outcomeOfStream(response, broken, end)));
        if (response.closed) resolve(outcomeOfStream(response, broken, end));
        response.resume();
      });
      recorder.add({
        ...{ method: 'POST', host: clusterHost, path: '/v2/rest/query', request: longAnswer },
        ...(response.statusCode === undefined ? {} : { status: response.statusCode }),
        answer: outcome.kind === 'served' ? 'All six million rows.' : 'It broke off.',
      });
      return outcome;
    },
  };
}

function outcomeOfStream(response: IncomingMessage, broken: boolean, end: string): Outcome {
  if (broken || !response.complete) return { kind: 'cutOff', error: 'connection closed' };
  if (response.statusCode !== 200) return { kind: 'refused', error: String(response.statusCode) };
  if (/"FrameType":"DataSetCompletion","HasErrors":false/.test(end)) return served;
  return { kind: 'cutOff', error: /"code":"([A-Za-z_]+)"/.exec(end)?.[1] ?? 'no completion' };
}
