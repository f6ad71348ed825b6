import { expect, it, vi } from 'vitest';
import { waitMs } from '../../../tests/support/hang.ts';
import { Activity } from './activity.ts';
import type { DueWorkPorts } from './due-work.ts';
import { DueWork } from './due-work.ts';
import type { QueuedIngestionPorts } from './queued-ingestion.ts';
import { QueuedIngestion } from './queued-ingestion.ts';

/** A process of a cluster with something in its queue that is due, or with nothing. */
function processWith(dueOn: number | undefined) {
  let at = 0;
  const activity = new Activity(() => at);
  const idleWhile: (number | undefined)[] = [];
  const queued = {
    dueOn: () => dueOn,
    ingestDue: () => {
      idleWhile.push(activity.idleMs());
      return Promise.resolve();
    },
  };
  const looked = vi.fn();
  const ports = {
    ...{
      activity,
      startTimer: () => () => undefined,
      lease: { asking: () => () => undefined },
      clock: { tell: () => undefined },
    },
    call: () => Promise.resolve({ leaseMs: 1, now: 1_000 }),
    host: { tell: () => undefined, data: () => (looked(), Promise.resolve({ queued })) },
  } as unknown as QueuedIngestionPorts & DueWorkPorts;
  const pass = (milliseconds: number): void => void (at += milliseconds);
  return { ingestion: new DueWork(ports, new QueuedIngestion(ports)), activity, idleWhile, looked, pass };
}

it('looks whether something is due without keeping a cluster from its rest', async () => {
  const { ingestion, activity, idleWhile, looked, pass } = processWith(undefined);
  pass(60_000);
  ingestion.wake();
  await vi.waitFor(() => expect(looked).toHaveBeenCalled(), waitMs);
  await new Promise((resolve) => setImmediate(resolve));
  expect(activity.idleMs()).toBe(60_000);
  expect(idleWhile).toEqual([]);
});

it('keeps it awake while it makes rows', async () => {
  const { ingestion, activity, idleWhile, pass } = processWith(500);
  pass(60_000);
  ingestion.wake();
  await vi.waitFor(() => expect(idleWhile).toEqual([undefined]), waitMs);
  await new Promise((resolve) => setImmediate(resolve));
  expect(activity.idleMs()).toBe(0);
});
