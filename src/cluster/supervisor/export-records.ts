import { createHash } from 'node:crypto';
import { retryOnConflict } from '../../arm/retry.ts';
import type { AuditEvent, ExportFacts } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { Clock } from '../../clock/clock.ts';
import { toIso } from '../../clock/clock.ts';
import { listIntact } from '../../state/list-all.ts';
import type { State, Table } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import type { ExportCall, ExportReply } from '../messages/exports.ts';
import type { SupervisedClusterKeys } from './cluster-keys.ts';
import type { ServedClusters } from './served-clusters.ts';

/** What a cluster has left in one container of the user's storage: its key protects none of it. Times are ISO on the Kustody clock. */
export interface ExportRecord {
  readonly format: 1;
  readonly container: string;
  readonly rows: number;
  readonly bytes: number;
  readonly blobs: number;
  readonly firstOn: string;
  readonly lastOn: string;
  /** Exports that were begun and of whose end nobody heard: what they left is counted as far as it was told. */
  readonly notEnded: number;
}

/** Ids: `{cluster id}/{hash of the container}`. They stay when the key is taken away, and go with the cluster. */
export const clusterExports: Table<ExportRecord> = { name: 'cluster-exports', parse };

/** Of one cluster. */
const containersMax = 1_000;

export interface ExportRecordParts {
  readonly state: State;
  readonly audit: Pick<AuditLog, 'commit'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly keys: Pick<SupervisedClusterKeys, 'admitted'>;
  readonly clusters: Pick<ServedClusters, 'byId'>;
  readonly resourceId: (clusterId: Guid) => Promise<string | undefined>;
}

/** Tells what leaves clusters for storage that no key of theirs protects. */
export interface ExportRecords {
  /** Durable when it resolves: the record of the container, and in the same commit the event of a beginning or an end. */
  note(clusterId: Guid, call: ExportCall): Promise<ExportReply>;
}

export function createExportRecords(parts: ExportRecordParts): ExportRecords {
  const { state, audit, clock } = parts;
  return {
    async note(clusterId, call) {
      if (call.step === 'begun' && (await parts.keys.admitted(clusterId)).outcome !== 'admitted')
        return { outcome: 'refused', message: 'The cluster may not use its key now.' };
      const id = `${clusterId}/${createHash('sha256').update(call.container).digest('hex').slice(0, 32)}`;
      return retryOnConflict(async () => {
        const found = await state.get(clusterExports, id);
        if (
          found === undefined &&
          (await state.list(clusterExports, { prefix: `${clusterId}/` })).length >= containersMax
        )
          return { outcome: 'refused', message: `A cluster exports to at most ${containersMax} containers.` };
        const now = toIso(clock.now());
        const write = [writeRecord(clusterExports, id, found?.version ?? null, keptOf(after(found?.value, call, now)))];
        const event = await eventOf(parts, clusterId, call, now);
        await (event === undefined ? state.commit({ write }) : audit.commit({ events: [event], write }));
        return { outcome: 'noted' };
      });
    },
  };
}

/** Of a cluster, by container. */
export const exportsOf = async (state: State, clusterId: Guid): Promise<readonly ExportRecord[]> =>
  (await listIntact(state, clusterExports, `${clusterId}/`))
    .map(({ value }) => value)
    .sort((left, right) => (left.container < right.container ? -1 : 1));

function after(before: ExportRecord | undefined, call: ExportCall, now: string): ExportRecord {
  const { step, container } = call;
  const known = before ?? { format: 1, container, rows: 0, bytes: 0, blobs: 0, firstOn: now, lastOn: now, notEnded: 0 };
  if (step === 'written')
    return {
      ...known,
      ...{ rows: known.rows + call.rows, bytes: known.bytes + call.bytes, blobs: known.blobs + 1, lastOn: now },
    };
  const notEnded = Math.max(0, known.notEnded + (step === 'begun' ? 1 : -1));
  return { ...known, notEnded, ...(step === 'begun' ? { lastOn: now } : {}) };
}

/** Nothing is said of a container that nothing came to. */
const keptOf = (record: ExportRecord): ExportRecord | null =>
  record.blobs === 0 && record.notEnded === 0 ? null : record;

const statuses = { begun: 'Started', completed: 'Succeeded', failed: 'Failed' } as const;

/** Blobs are counted, and have no event each. */
async function eventOf(
  { clusters, resourceId }: ExportRecordParts,
  clusterId: Guid,
  call: ExportCall,
  time: string,
): Promise<AuditEvent | undefined> {
  const { step, database, container, rows, bytes, activityId, caller } = call;
  if (step === 'written') return undefined;
  const facts: ExportFacts = {
    ...{ kind: 'export', operation: 'DataExport', clusterName: (await clusters.byId(clusterId))?.name ?? clusterId },
    resourceId: (await resourceId(clusterId)) ?? '',
    ...{ database, container, status: statuses[step], caller },
    ...(step === 'begun' ? {} : { rows, bytes }),
  };
  return { time, requestId: activityId, correlationId: activityId, durationMs: 0, facts };
}

function parse(value: Json): ExportRecord {
  invariant(isJsonObject(value) && value['format'] === 1, 'a record of exports has a format that this Kustody knows');
  return value as unknown as ExportRecord;
}
