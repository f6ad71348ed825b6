import { makeScene } from '../src/cli/drill/scene.ts';
import type { Scene } from '../src/cli/drill/scene.ts';
import type { Way } from '../src/cli/drill/ways.ts';
import { ways } from '../src/cli/drill/ways.ts';
import type { Measured } from './last-row.ts';
import { everybody, getsRows, lastRowAfter, told } from './last-row.ts';
import { measureOutside, outsideFloorMs } from './outside-revocation.ts';
import type { CampaignPart, PartResult } from './part.ts';
import { countOf } from './part.ts';
import type { Reader } from './readers.ts';
import { now, officialReader, streamReader, viewReader, writer } from './readers.ts';
import { startRealServer } from './real-server.ts';

/** For what Kustody itself changes. */
const floorMs = 1_000;
const graceSeconds = 3_700;
const expirySeconds = 7_200;

/** How long a key that is gone is still used: every way of losing it, while rows are read and written all the time. */
export const revocation: CampaignPart = {
  id: 'revocation',
  promise: `the last row comes at most ${floorMs} ms after a change that takes the key away was acknowledged, and ${outsideFloorMs} ms after one in a vault outside`,
  run: async (say) => {
    // Outside, most of the time is that between two checks.
    const [inside, outside] = await Promise.all([measure(say), measureOutside(say)]);
    return { figures: [...inside.figures, ...outside.figures], missed: [...inside.missed, ...outside.missed] };
  },
};

async function measure(say: (line: string) => void): Promise<PartResult> {
  const rounds = countOf('KUSTODY_CAMPAIGN_REVOCATIONS', 2);
  if (rounds === 0) return { figures: [], missed: [] };
  const server = await startRealServer();
  const readers: Reader[] = [];
  try {
    const scene = await makeScene(server);
    const cluster = { environment: server.environment, clusterHost: scene.clusterHost };
    readers.push(officialReader(server, cluster), await streamReader(cluster), await writer(cluster));
    readers.push(await viewReader(cluster));
    const all: number[] = [];
    const figures: string[] = [];
    const missed: string[] = [];
    for (const way of ways) {
      const latencies: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const { latencyMs, problems } = await once(scene, way, readers);
        if (latencyMs !== undefined) latencies.push(latencyMs);
        missed.push(...problems.map((problem) => `${way.title}: ${problem}`));
      }
      all.push(...latencies);
      const figure = `${way.title}: ${way.bites === 'none' ? 'served on, as in Azure' : told(latencies)}`;
      figures.push(figure);
      say(figure);
    }
    return { figures: [...figures, `all ways: ${told(all)}`], missed };
  } finally {
    await Promise.all(readers.map((reader) => reader.stop()));
    await server.close();
  }
}

async function once(scene: Scene, way: Way, readers: readonly Reader[]): Promise<Measured> {
  await getsRows(readers, 'before');
  await way.take(scene);
  if (way.bites !== 'refusal') await scene.instance.pass(way.bites === 'outage' ? graceSeconds : expirySeconds);
  const changed = now();
  if (way.bites === 'none') {
    const problems = await everybody(readers, (reader) => reader.lastRow() > changed, 'is served on');
    await way.giveBack(scene);
    return { problems };
  }
  const { problems, ...measured } = await lastRowAfter(changed, readers, floorMs);
  await way.giveBack(scene);
  return { ...measured, problems: [...problems, ...(await getsRows(readers, 'again'))] };
}
