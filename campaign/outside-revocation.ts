import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { table } from '../src/cli/drill/scene.ts';
import { defaultKeySettings } from '../src/server/settings.ts';
import { startKustody, temporaryDirectory } from '../tests/support/kustody-command.ts';
import type { StartedCommand } from '../tests/support/kustody-command.ts';
import { openKeyOwner, openKeyUser } from '../tests/support/outside-vault.ts';
import { getsRows, lastRowAfter, pause, told } from './last-row.ts';
import type { PartResult } from './part.ts';
import { countOf } from './part.ts';
import type { Reader } from './readers.ts';
import { now, streamReader, writer } from './readers.ts';

/** Nobody tells of what happens outside: it is seen at the next check. */
const recheckMs = defaultKeySettings.keyRecheckSeconds * 1000;
export const outsideFloorMs = recheckMs + 5_000;

type Lane = Awaited<ReturnType<typeof openLane>>;
type KeyOwner = Awaited<ReturnType<typeof openKeyOwner>>;

interface OutsideWay {
  readonly title: string;
  readonly take: (owner: KeyOwner) => Promise<unknown>;
  readonly giveBack: (owner: KeyOwner) => Promise<unknown>;
}

/** What the owner of a vault can do about it. Each way has a vault of its own, so that all go on at the same time. */
const ways: readonly OutsideWay[] = [
  {
    title: 'key disabled',
    take: (owner) => owner.setKeyEnabled(false),
    giveBack: (owner) => owner.setKeyEnabled(true),
  },
  {
    title: 'key deleted',
    take: (owner) => owner.deleteKey(),
    giveBack: (owner) => owner.recoverKey(),
  },
  {
    title: 'access taken away',
    take: (owner) => owner.setAccess([]),
    giveBack: (owner) => owner.setAccess(['all']),
  },
  {
    title: 'network refused',
    take: (owner) => owner.setNetwork('Deny'),
    giveBack: (owner) => owner.setNetwork('Allow'),
  },
];

/** Two instances, two roots of trust: clusters of one, each under a key of the other. The interval between checks is the one of every day. */
export async function measureOutside(say: (line: string) => void): Promise<PartResult> {
  const rounds = countOf('KUSTODY_CAMPAIGN_OUTSIDE_REVOCATIONS', 1);
  if (rounds === 0) return { figures: [], missed: [] };
  using directory = temporaryDirectory();
  const [owned, used] = [join(directory.path, 'owner'), join(directory.path, 'user')];
  const credential = join(directory.path, 'credential.json');
  const started: StartedCommand[] = [];
  const readers: Reader[] = [];
  try {
    started.push(await up('--data', owned));
    const owners: KeyOwner[] = [];
    for (const index of ways.keys()) owners.push(await openKeyOwner(owned, `campaign-${index}-keys`));
    owners[0]?.writeCredential(credential);
    const vaults = owners.flatMap(({ vaultHost }) => ['--vault', `${vaultHost}=file:${credential}`]);
    started.push(await up('--data', used, ...vaults));
    const lanes: Lane[] = [];
    for (const [index, owner] of owners.entries()) {
      const lane = await openLane(used, owner, index);
      readers.push(...lane.readers);
      lanes.push(lane);
    }
    say(`${lanes.length} clusters under keys in vaults outside`);
    const latencies: number[][] = ways.map(() => []);
    const missed: string[] = [];
    const measureLane = async (way: OutsideWay, index: number): Promise<void> => {
      const lane = lanes[index];
      if (lane === undefined) throw new Error('each way has a lane');
      for (let round = 0; round < rounds; round += 1) {
        await getsRows(lane.readers, 'before');
        await pause(randomInt(recheckMs)); // at any moment between two checks
        await way.take(lane.owner);
        const { latencyMs, problems } = await lastRowAfter(now(), lane.readers, outsideFloorMs);
        if (latencyMs !== undefined) latencies[index]?.push(latencyMs);
        await way.giveBack(lane.owner);
        await lane.checkKeys();
        const healed = await getsRows(lane.readers, 'again');
        missed.push(...[...problems, ...healed].map((problem) => `outside, ${way.title}: ${problem}`));
      }
    };
    await Promise.all(ways.map(measureLane));
    const figures = ways.map(({ title }, index) => `outside, ${title}: ${told(latencies[index] ?? [])}`);
    return { figures: [...figures, `outside, all ways: ${told(latencies.flat())}`], missed };
  } finally {
    await Promise.all(readers.map((reader) => reader.stop()));
    for (const one of started.reverse()) {
      one.process.kill('SIGTERM');
      await one.result;
    }
  }
}

async function up(...args: readonly string[]): Promise<StartedCommand> {
  const started = startKustody(['up', '--log-level', 'silent', ...args]);
  await started.printed('Stop with');
  return started;
}

/** A cluster with rows, under the owner's key, and whoever uses it. */
async function openLane(used: string, owner: KeyOwner, index: number) {
  const user = await openKeyUser(used, { make: true, cluster: `outside${index}`, vaultHost: owner.vaultHost });
  const changed = await user.useKey();
  if (changed.status !== 202) throw new Error(changed.text);
  for (const command of [
    `.create table ${table} (Device: string, Celsius: real)`,
    `.alter table ${table} policy streamingingestion enable`,
    `.set-or-append ${table} <| range n from 1 to 1000 step 1 | project Device = strcat('pump-', n % 10), Celsius = n / 10.0`,
  ])
    await user.command(command);
  const cluster = { environment: user.environment, clusterHost: user.clusterHost };
  const readers = [await streamReader(cluster), await writer(cluster)];
  return { owner, readers, checkKeys: user.checkKeys };
}
