import type { State } from '../state/state.ts';
import type { AuditHead, ChainPoint, ChainRestart } from './audit-chain.ts';
import { auditChain, auditCheckpoint, auditHead, checkpointRecordId, genesis } from './audit-chain.ts';
import { headRecordId, pointAfter } from './audit-chain.ts';

/** Those that are remembered. */
const restartsMax = 100;
const pageLength = 1_000;

/** Where the log goes on. An end that was lost, or that is older than what was known of it, is no reason to stop vaults: the log goes on
 * after everything that is known, and says for good that it was begun anew there.
 * @returns `version`: of the head's record; `null` when there is none yet */
export async function openHead(
  state: State,
  now: string,
): Promise<{ readonly version: number | null; readonly head: AuditHead }> {
  const found = await state.get(auditHead, headRecordId);
  const checkpoint = await state.get(auditCheckpoint, checkpointRecordId);
  if (found !== undefined && found.value.next >= (checkpoint?.value.next ?? 0)) {
    return { version: found.version, head: found.value };
  }
  const last = await lastPoint(state);
  if (found === undefined && checkpoint === undefined && last === undefined) {
    return { version: null, head: { ...genesis, kept: genesis, restarts: [] } };
  }
  const points = [genesis, last, found?.value, checkpoint?.value].filter((point) => point !== undefined);
  const furthest = points.reduce((best, point) => (point.next > best.next ? point : best));
  const reason = found === undefined ? 'endLost' : 'endOlderThanKnown';
  const restart: ChainRestart = { next: furthest.next, at: now, reason };
  return {
    version: found?.version ?? null,
    head: {
      ...{ next: furthest.next, hash: furthest.hash },
      kept: found?.value.kept ?? genesis,
      restarts: [...(found?.value.restarts ?? []), restart].slice(-restartsMax),
    },
  };
}

/** After the last record that there is. */
async function lastPoint(state: State): Promise<ChainPoint | undefined> {
  let last: ChainPoint | undefined;
  for (let after: string | undefined; ;) {
    const page = await state.list(auditChain, { limit: pageLength, ...(after === undefined ? {} : { after }) });
    const record = page.at(-1);
    if (record !== undefined) last = pointAfter(record.value);
    if (record === undefined || page.length < pageLength) return last;
    after = record.id;
  }
}
