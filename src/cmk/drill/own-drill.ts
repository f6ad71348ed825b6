import { isJsonObject, textMember } from '../../base/json.ts';
import { ApplyStopped } from '../apply.ts';
import { azureErrorLine } from '../azure-error.ts';
import type { Pace } from '../changes.ts';
import type { CmkClients, DataRequest } from '../clients.ts';
import { gatherCluster } from '../gather.ts';
import { sameText } from '../resource-id.ts';
import type { OwnCluster } from './own-cluster.ts';
import type { OwnChange, OwnWay } from './own-ways.ts';

/** What came of one request. */
export interface OwnAnswer {
  readonly served: boolean;
  readonly status?: number;
  readonly error?: string;
}

/** What came of one way, on a cluster of one's own. Seconds are those of `Pace`. */
export interface OwnRow {
  readonly way: string;
  readonly title: string;
  readonly changes: readonly string[];
  readonly query: OwnAnswer;
  readonly command: OwnAnswer;
  /** From the acknowledgement of the last change until a query was refused; and from the last that undid one until one was answered. */
  readonly bitAfterSeconds?: number;
  readonly healedAfterSeconds?: number;
  readonly problems: readonly string[];
}

/** Changes that are still made: whoever runs the drill must undo them. */
export class NotUndone extends Error {
  override readonly name = 'NotUndone';
  constructor(readonly changes: readonly OwnChange[]) {
    super(`Not undone: ${changes.map(({ title }) => title).join('; ')}.`);
  }
}

export interface OwnDrillPorts {
  readonly clients: CmkClients;
  /** Ends when the drill shall end: its `sleep` throws then. */
  readonly pace: Pace;
  /** For what must be done whatever else ends. */
  readonly undoing: { readonly clients: CmkClients; readonly pace: Pace };
  /** Between two queries, and at most until a revocation bites or heals. */
  readonly pollMs: number;
  readonly waitMs: number;
  readonly begins: (way: OwnWay) => void;
  /** Before each change is sent. */
  readonly changes: (change: OwnChange) => void;
  readonly ended: (row: OwnRow) => void;
}

const undoAttempts = 10;
const undoPauseMs = 5_000;

/** Goes through the ways, one after the other, each back to the state of before; stops at the first after which the cluster does not serve.
 * Of one way: the cluster serves → changes, each named before it is sent → a query is refused → changes are undone, the last first, and read
 * back, whatever happened meanwhile → a query is answered. @throws NotUndone before anything else that is wrong */
export async function ownDrill(
  own: OwnCluster,
  ways: readonly OwnWay[],
  ports: OwnDrillPorts,
): Promise<readonly OwnRow[]> {
  const rows: OwnRow[] = [];
  for (const way of ways) {
    const changes = way.changes(own);
    if (typeof changes === 'string') throw new ApplyStopped(`'${way.name}' cannot be done here: ${changes}.`);
    ports.begins(way);
    const row = await drillOne(own, way, changes, ports);
    rows.push(row);
    ports.ended(row);
    if (row.healedAfterSeconds === undefined) break;
  }
  return rows;
}

async function drillOne(
  own: OwnCluster,
  { name, title }: OwnWay,
  changes: readonly OwnChange[],
  ports: OwnDrillPorts,
): Promise<OwnRow> {
  const before = await ask(own, ports, 'query');
  if (!before.served) throw new ApplyStopped(`The cluster does not serve before '${title}': ${errorText(before)}.`);
  const begun: OwnChange[] = [];
  let lost: Lost;
  try {
    lost = await lose(own, changes, begun, ports);
  } finally {
    await undoAll(begun, ports.undoing);
  }
  const healed = await until(ports, async () => ((await ask(own, ports, 'query')).served ? true : undefined));
  return {
    ...{ way: name, title, changes: changes.map((change) => change.title) },
    ...{ query: lost.query, command: lost.command },
    ...(lost.seconds === undefined ? {} : { bitAfterSeconds: lost.seconds }),
    ...(healed === undefined ? {} : { healedAfterSeconds: healed.seconds }),
    problems: [
      ...(lost.seconds === undefined ? [`The cluster went on without its key for ${ports.waitMs / 1000} s.`] : []),
      ...(lost.seconds !== undefined && lost.command.served ? ['A command was served without the key.'] : []),
      ...(healed === undefined
        ? [`It did not serve again within ${ports.waitMs / 1000} s; all is as it was before.`]
        : []),
    ],
  };
}

interface Lost {
  readonly query: OwnAnswer;
  readonly command: OwnAnswer;
  readonly seconds?: number;
}

async function lose(
  own: OwnCluster,
  changes: readonly OwnChange[],
  begun: OwnChange[],
  ports: OwnDrillPorts,
): Promise<Lost> {
  for (const change of changes) {
    ports.changes(change);
    begun.push(change); // before it is sent: whether one that failed was made is not known
    await change.take(ports.clients);
  }
  let query: OwnAnswer = { served: true };
  const bitten = await until(ports, async () => {
    query = await ask(own, ports, 'query');
    return (await isBite(own, ports, query)) ? true : undefined;
  });
  const command = await ask(own, ports, 'mgmt');
  return { query, command, ...(bitten === undefined ? {} : { seconds: bitten.seconds }) };
}

/** Too many requests are none of the key's; no answer at all is when the cluster is out of use. */
async function isBite(own: OwnCluster, { clients }: OwnDrillPorts, answer: OwnAnswer): Promise<boolean> {
  if (answer.served || answer.status === 429) return false;
  if (answer.status !== undefined) return true;
  return !sameText((await gatherCluster(clients, own.cluster))?.state ?? '', 'Running');
}

/** The last change first, each until it is read back as undone. @throws NotUndone */
async function undoAll(begun: readonly OwnChange[], { clients, pace }: OwnDrillPorts['undoing']): Promise<void> {
  const left: OwnChange[] = [];
  for (const change of begun.toReversed()) if (!(await undoOne(change, clients, pace))) left.push(change);
  if (left.length > 0) throw new NotUndone(left);
}

async function undoOne(change: OwnChange, clients: CmkClients, pace: Pace): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await change.undo(clients);
      if (await change.isUndone(clients)) return true;
    } catch {
      // What is wrong with it may pass; else it is told that it is not undone.
    }
    if (attempt === undoAttempts) return false;
    await pace.sleep(undoPauseMs);
  }
}

/** Asks again and again. @returns the first answer and when it came, or undefined when the time is over */
async function until<T>(
  { pace, pollMs, waitMs }: OwnDrillPorts,
  look: () => Promise<T | undefined>,
): Promise<{ readonly found: T; readonly seconds: number } | undefined> {
  const began = pace.now().getTime();
  for (;;) {
    const found = await look();
    const passedMs = pace.now().getTime() - began;
    if (found !== undefined) return { found, seconds: Math.round(passedMs / 100) / 10 };
    if (passedMs >= waitMs) return undefined;
    await pace.sleep(pollMs);
  }
}

/** They read nothing that anybody has stored. */
const asked: Readonly<Record<DataRequest['kind'], string>> = { query: 'print Drilled = 1', mgmt: '.show tables' };

async function ask(own: OwnCluster, { clients }: OwnDrillPorts, kind: DataRequest['kind']): Promise<OwnAnswer> {
  try {
    const { status, body } = await clients.data(own.uri, { kind, database: own.database, csl: asked[kind] });
    if (status < 300) return { served: true };
    const error = isJsonObject(body) && isJsonObject(body['error']) ? body['error'] : {};
    return { served: false, status, error: textMember(error, 'code') || 'none' };
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw error;
    return { served: false, error: azureErrorLine(error) };
  }
}

export const errorText = ({ status, error }: OwnAnswer): string =>
  [status, error].filter((part) => part !== undefined).join(' ');
