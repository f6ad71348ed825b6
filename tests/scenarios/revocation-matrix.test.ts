import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drillInstance } from '../../src/cli/drill/drill-instance.ts';
import { runDrill } from '../../src/cli/drill/drill.ts';
import type { DrillRow } from '../../src/cli/drill/drill.ts';
import { makeScene } from '../../src/cli/drill/scene.ts';
import type { Scene } from '../../src/cli/drill/scene.ts';
import { ways } from '../../src/cli/drill/ways.ts';
import type { Way } from '../../src/cli/drill/ways.ts';
import { startServerFixture } from '../support/server-fixture.ts';

// Every way to lose the key of a cluster with rows, against everything people do with it, in virtual time. What `kustody drill` runs, too.

let fixture: Awaited<ReturnType<typeof startServerFixture>>;
let scene: Scene;

beforeAll(async () => {
  fixture = await startServerFixture();
  scene = await makeScene(await drillInstance(fixture.server));
});
afterAll(() => fixture[Symbol.asyncDispose]());

const silent = { began: () => undefined, ended: () => undefined };

async function drill(way: Way): Promise<DrillRow> {
  const [row] = await runDrill(scene, silent, [way]);
  if (row === undefined) throw new Error('a way has a row');
  return row;
}

const named = (bites: Way['bites']): [string, Way][] =>
  ways.filter((way) => way.bites === bites).map((way) => [way.title, way]);

describe('the key of a cluster', () => {
  it.each(named('refusal'))(
    '%s: refused by name as soon as it is acknowledged, heals at once, nothing lost',
    async (_, way) => {
      const row = await drill(way);
      expect(row.problems).toEqual([]);
      expect([row.bitAfterSeconds, row.healedAfterSeconds]).toEqual([0, 0]);
      expect(row.outcomes.runningQuery).toMatchObject({ status: 503, error: 'ClusterSuspended' });
      expect(row.outcomes.query).toMatchObject({ status: 503, error: 'ClusterSuspended' });
      expect(row.outcomes.rotate.kind).toBe('refused');
    },
  );

  it.each(named('outage'))('%s: serves for the grace, then stops, heals by itself, nothing lost', async (_, way) => {
    const row = await drill(way);
    expect(row.problems).toEqual([]);
    expect(row.bitAfterSeconds).toBeGreaterThanOrEqual(3_570);
    expect(row.bitAfterSeconds).toBeLessThanOrEqual(3_640);
    expect(row.outcomes.runningQuery).toMatchObject({ status: 503, error: 'ClusterSuspended' });
    expect(row.outcomes.rotate).toMatchObject({ kind: 'refused' });
  });

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
  });
});
