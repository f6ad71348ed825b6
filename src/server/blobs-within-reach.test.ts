import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Azurite, WayToAzurite } from '../../tests/support/azurite.ts';
import { startAzurite, startWayTo } from '../../tests/support/azurite.ts';
import { until } from '../../tests/support/until.ts';
import { createLog } from '../http/logging.ts';
import { startSystemTimer } from '../http/timer.ts';
import { blobsWithinReach } from './blobs-within-reach.ts';
import type { ServerSettings } from './settings.ts';

describe('blobsWithinReach', () => {
  let azurite: Azurite;
  let way: WayToAzurite;
  let container: string;
  beforeAll(async () => {
    azurite = await startAzurite();
    way = await startWayTo(azurite);
    container = (await azurite.newContainer()).replace(azurite.endpoint, way.endpoint);
  });
  afterAll(async () => {
    way.close();
    await azurite.stop();
  });

  const watch = (settings: Pick<ServerSettings, 'blobs' | 'containerAccess'>, startTimer = startSystemTimer) => {
    const lines: string[] = [];
    const clock = { ms: 0 };
    const destination = { write: (line: string) => void lines.push(line) };
    const log = createLog({ level: 'info', destination, wallClock: () => 0 });
    const hindered = blobsWithinReach(settings, { log, startTimer, monotonicMs: () => clock.ms });
    if (hindered === undefined) throw new Error('there is a container');
    return { lines, clock, hindered };
  };

  it('asks until the container answers, then every five seconds, and whenever it is due; says what changes', async () => {
    const { lines, clock, hindered } = watch({ blobs: { container } });
    await until(async () => (await hindered(false)) === undefined);
    way.isOpen = false;
    clock.ms = 4_999;
    expect(await hindered(false)).toBeUndefined();
    expect(await hindered(true)).toContain('The store of sealed extents is not available: http://127.0.0.1');
    clock.ms = 5_000;
    expect(await hindered(false)).toContain('is not available');
    way.isOpen = true;
    await until(async () => (await hindered(false)) === undefined);
    expect(lines.map((line) => /blobs-[a-z-]+/.exec(line)?.[0]).slice(-2)).toEqual([
      'blobs-not-reached',
      'blobs-reached',
    ]);
    expect(lines.join('')).not.toContain('sig=');
  });

  it('names a container that is gone', async () => {
    const { hindered } = watch({ blobs: { container: container.replace(/\/[^/]*\?/, '/gone?') } });
    let why: string | undefined;
    await until(async () => {
      why = await hindered(false);
      return why?.includes('in time') === false;
    });
    expect(why).toMatch(/answered (403|404)/);
  });

  it('waits no longer than it may, and asks one at a time', async () => {
    let asked = 0;
    const containerAccess = (): Promise<never> => {
      asked += 1;
      return new Promise(() => undefined);
    };
    const atOnce = (_: number, then: () => void): (() => void) => {
      then();
      return () => undefined;
    };
    const { hindered } = watch({ blobs: { container: container.replace(/\?.*/, '') }, containerAccess }, atOnce);
    for (let times = 0; times < 3; times += 1) expect(await hindered(false)).toContain('did not answer in time');
    await new Promise(setImmediate);
    expect(asked).toBeLessThanOrEqual(1);
  });

  it('has nothing to ask where extents are in the data directory', () => {
    const ports = { log: createLog(silent), startTimer: startSystemTimer, monotonicMs: () => 0 };
    expect(blobsWithinReach({}, ports)).toBeUndefined();
  });
});

const silent = { level: 'silent' as const, destination: { write: () => undefined }, wallClock: () => 0 };
