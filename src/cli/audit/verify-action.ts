import { setTimeout as pause } from 'node:timers/promises';
import type { ChainFinding, ChainReport } from '../../audit/verify-chain.ts';
import type { AuditCheck } from '../../server/audit-routes.ts';
import { requireInstance } from '../control-client.ts';
import { dataDirectoryOf } from '../options.ts';
import { UserError } from '../user-error.ts';
import { whileWaiting } from '../waiting.ts';

const askAgainMs = 100;

export async function verifyLog(options: {
  readonly data?: string;
  readonly known?: string;
  readonly json: boolean;
}): Promise<void> {
  const client = await requireInstance(dataDirectoryOf(options));
  const { report, failure } = await whileWaiting(async (begin) => {
    begin('checking the audit log');
    await client.call('POST', '/audit/check', options.known === undefined ? {} : { known: options.known });
    for (let told = 0; ;) {
      const check = (await client.call('GET', '/audit/check')) as AuditCheck;
      if (check.report !== undefined || check.failure !== undefined) return check;
      const percent = check.of === 0 ? 0 : Math.floor((check.read / check.of) * 100);
      if (percent > told) begin(`checking the audit log: ${percent} % of ${check.of} events`);
      told = Math.max(told, percent);
      await pause(askAgainMs);
    }
  });
  if (report === undefined) throw new UserError(failure ?? 'The audit log could not be checked.', undefined, 3);
  if (report.findings.length > 0) process.exitCode = 3;
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : textOf(report));
}

function textOf({ events, records, from, next, hash, findings }: ChainReport): string {
  const range = events === 0 ? 'No events are kept' : `${events} events (${from} to ${next - 1}) in ${records} records`;
  if (findings.length > 0) return `${findings.map((one) => `${findingText(one)}\n`).join('')}${range}.\n`;
  return `${range}: nothing was altered, removed, moved or cut off.\nNote this point elsewhere, for --known: ${next}:${hash}\n`;
}

function findingText({ kind, first, last }: ChainFinding): string {
  const which = first === last ? `event ${first}` : `events ${first} to ${last}`;
  return {
    altered: `ALTERED: the record of ${which} is not what was written.`,
    missing: `MISSING: ${which}: removed, or what lies there does not open.`,
    moved: `MOVED: what lies in the place of ${which} is another record.`,
    truncated: `CUT OFF at the end: ${which}.`,
    added: `ADDED: ${which}: no part of the chain.`,
    endLost: `The sealed end of the log is gone; its next event would be ${first}.`,
    endAltered: `The sealed end of the log is not that of its last record (${which}).`,
    beganAnew: `The end was lost earlier, and the log went on anew with event ${first}.`,
    notAsKnown: `NOT AS KNOWN: ${which} are not what they were when the point was noted.`,
  }[kind];
}
