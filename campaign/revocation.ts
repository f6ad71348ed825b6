import { makeScene } from '../src/cli/drill/scene.ts';
import type { Scene } from '../src/cli/drill/scene.ts';
import type { Way } from '../src/cli/drill/ways.ts';
import { ways } from '../src/cli/drill/ways.ts';
import type { CampaignPart, PartResult } from './part.ts';
import { countOf, quantile } from './part.ts';
import type { Reader } from './readers.ts';
import { now, officialReader, streamReader, writer } from './readers.ts';
import { startRealServer } from './real-server.ts';

/** Milliseconds from an acknowledged change to the last row, for what Kustody itself changes. */
const floorMs = 1_000;
/** Whatever comes out later than that is not waited for. */
const patienceMs = 90_000;
/** After everybody was refused, so long no row may come. */
const quietMs = 500;
const graceSeconds = 3_700;
const expirySeconds = 7_200;

/** How long a key that is gone is still used: every way of losing it, while rows are read and written all the time. */
export const revocation: CampaignPart = {
  id: 'revocation',
  promise: `the last row comes at most ${floorMs} ms after a change that takes the key away was acknowledged`,
  run: measure,
};

async function measure(say: (line: string) => void): Promise<PartResult> {
  const rounds = countOf('KUSTODY_CAMPAIGN_REVOCATIONS', 2);
  const server = await startRealServer();
  const readers: Reader[] = [];
  try {
    const scene = await makeScene(server);
    readers.push(officialReader(server, scene), await streamReader(scene), await writer(scene));
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

interface Measured {
  readonly latencyMs?: number;
  readonly problems: readonly string[];
}

async function once(scene: Scene, way: Way, readers: readonly Reader[]): Promise<Measured> {
  await everybody(readers, (reader, since) => reader.lastRow() > since, 'gets rows before');
  await way.take(scene);
  if (way.bites !== 'refusal') await scene.instance.pass(way.bites === 'outage' ? graceSeconds : expirySeconds);
  const changed = now();
  if (way.bites === 'none') {
    const problems = await everybody(readers, (reader) => reader.lastRow() > changed, 'is served on');
    await way.giveBack(scene);
    return { problems };
  }
  const problems = await everybody(readers, (reader) => reader.lastRefusal() > changed, 'is refused');
  await pause(quietMs);
  const late = readers.map((reader) => Math.max(0, reader.lastRow() - changed));
  const slow = readers.flatMap(({ name }, index) => {
    const latency = late[index] ?? 0;
    return latency > floorMs ? [`${name}: the last row after ${latency.toFixed(0)} ms`] : [];
  });
  await way.giveBack(scene);
  const healed = await everybody(readers, (reader, since) => reader.lastRow() > since, 'gets rows again');
  return { latencyMs: Math.max(...late), problems: [...problems, ...slow, ...healed] };
}

/** Waits until each has come so far. @returns who has not, in time */
async function everybody(
  readers: readonly Reader[],
  has: (reader: Reader, since: number) => boolean,
  what: string,
): Promise<readonly string[]> {
  const since = now();
  for (;;) {
    const waiting = readers.filter((reader) => !has(reader, since));
    if (waiting.length === 0) return [];
    if (now() - since > patienceMs) return waiting.map(({ name }) => `nobody saw that the ${name} ${what}`);
    await pause(10);
  }
}

const told = (latencies: readonly number[]): string => {
  const [p50, p99, max] = [quantile(latencies, 0.5), quantile(latencies, 0.99), quantile(latencies, 1)];
  return `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, max ${max.toFixed(0)} ms of ${latencies.length}`;
};

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
