import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemRandomBytes } from '../../src/base/random.ts';
import { drillInstance } from '../../src/cli/drill/drill-instance.ts';
import { startDrillStorage } from '../../src/cli/drill/drill-storage.ts';
import type { DrillStorage } from '../../src/cli/drill/drill-storage.ts';
import { runDrill } from '../../src/cli/drill/drill.ts';
import type { DrillRow } from '../../src/cli/drill/drill.ts';
import { prepareOutside } from '../../src/cli/drill/outside.ts';
import type { BeginOutside } from '../../src/cli/drill/outside.ts';
import { makeScene } from '../../src/cli/drill/scene.ts';
import type { Scene } from '../../src/cli/drill/scene.ts';
import { ways } from '../../src/cli/drill/ways.ts';
import type { Way } from '../../src/cli/drill/ways.ts';
import { sample } from '../support/sample.ts';
import { startServerFixture } from '../support/server-fixture.ts';

// Every way to lose the key of a cluster with rows, against everything people do with it, in virtual time. What `kustody drill` runs, too.

let fixture: Awaited<ReturnType<typeof startServerFixture>>;
let scene: Scene;

let storage: DrillStorage;
let beginOutside: BeginOutside;

beforeAll(async () => {
  storage = await startDrillStorage(systemRandomBytes);
  fixture = await startServerFixture({ storageAccounts: [storage.account] });
  scene = await makeScene(await drillInstance(fixture.server));
  beginOutside = await prepareOutside(scene, storage);
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  await storage.close();
});

const silent = { began: () => undefined, ended: () => undefined };

async function drill(way: Way): Promise<DrillRow> {
  const [row] = await runDrill(scene, beginOutside, silent, [way]);
  if (row === undefined) throw new Error('a way has a row');
  return row;
}

const named = (bites: Way['bites']): [string, Way][] =>
  ways.filter((way) => way.bites === bites).map((way) => [way.title, way]);

describe('the key of a cluster', () => {
  it.each(sample(named('refusal'), 2))(
    '%s: refused by name as soon as it is acknowledged, heals at once, nothing lost',
    async (_, way) => {
      const row = await drill(way);
      expect(row.problems).toEqual([]);
      expect([row.bitAfterSeconds, row.healedAfterSeconds]).toEqual([0, 0]);
      expect(row.outcomes.runningQuery).toMatchObject({ status: 503, error: 'ClusterSuspended' });
      for (const action of ['query', 'asyncIngestion', 'export', 'runningExport', 'continuousExport'] as const)
        expect(row.outcomes[action], action).toMatchObject({ status: 503, error: 'ClusterSuspended' });
      expect(row.outcomes.rotate.kind).toBe('refused');
    },
  );

  it.each(sample(named('outage'), 1))(
    '%s: serves for the grace, then stops, heals by itself, nothing lost',
    async (_, way) => {
      const row = await drill(way);
      expect(row.problems).toEqual([]);
      expect(row.bitAfterSeconds).toBeGreaterThanOrEqual(3_570);
      expect(row.bitAfterSeconds).toBeLessThanOrEqual(3_640);
      expect(row.outcomes.runningQuery).toMatchObject({ status: 503, error: 'ClusterSuspended' });
      expect(row.outcomes.rotate).toMatchObject({ kind: 'refused' });
    },
  );

  it.each(named('none'))('%s: everything goes on, with a warning', async (_, way) => {
    const row = await drill(way);
    expect(row.problems).toEqual([]);
    expect(row.warning).toMatch(/expired on/);
  });
});

describe('the drill', () => {
  it('tells when a key that was taken away is still used', async () => {
    const harmless: Way = {
      ...{ name: 'keyDeleted', title: 'nothing happened', bites: 'refusal' },
      take: () => Promise.resolve(),
      giveBack: () => Promise.resolve(),
    };
    const row = await drill({ ...harmless });
    expect(row.bitAfterSeconds).toBeUndefined();
    expect(row.problems).toContain('The cluster went on without its key.');
    expect(row.problems).toContain('query was served without the key.');
    expect(row.problems).toContain('ingestion was served without the key.');
    for (const action of ['asyncIngestion', 'export', 'runningExport', 'continuousExport'])
      expect(row.problems).toContain(`${action} was served without the key.`);
  });
});
