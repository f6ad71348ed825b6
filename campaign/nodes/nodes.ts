import { setTimeout as pause } from 'node:timers/promises';
import { requireInstance } from '../../src/cli/control-client.ts';
import { defaultSeed, seed } from '../../src/server/seed.ts';
import { checkHistory } from '../../tests/support/history/check-history.ts';
import type { Operation } from '../../tests/support/history/history.ts';
import { hasPostgres } from '../../tests/support/postgres.ts';
import type { CampaignPart, PartResult } from '../part.ts';
import { countOf, quantile } from '../part.ts';
import { Clients, registers, tables } from './clients.ts';
import type { Scene } from './faults.ts';
import { faults } from './faults.ts';
import type { Fleet } from './fleet.ts';
import { openFleet } from './fleet.ts';
import type { Random } from './random.ts';
import { randomFrom } from './random.ts';
import type { RunningTime } from './running-time.ts';
import { startRunningTime } from './running-time.ts';
import { rulesThatSleep } from './spoilt.ts';

const workers = 6;
/** Whatever was broken and mended is back by then, in running time. */
const backWithinMs = 90_000;
/** After the node that serves was killed, in running time. */
const backAfterKillMs = 15_000;
const lookEveryMs = 50;

/** Three nodes over one database and one container, clients at a balancer, and one fault after the other. */
export const nodes: CampaignPart = {
  id: 'nodes',
  promise:
    'while nodes are killed, paused and cut off: every acknowledged row is there once, no row after a revocation, registers are linearizable, a node that was taken over from commits nothing',
  run: measure,
};

async function measure(say: (line: string) => void): Promise<PartResult> {
  if (!hasPostgres) return { figures: [], missed: [], skipped: 'PostgreSQL is not installed' };
  const seconds = countOf('KUSTODY_CAMPAIGN_NODES_SECONDS', 30);
  const number = countOf('KUSTODY_SEED', Date.now() % 1_000_000);
  const random = randomFrom(number);
  say(`seed ${number}`);
  const time = startRunningTime();
  const until = untilOf(time);
  await using fleet = await openFleet();
  const [first, ...others] = fleet.nodes;
  if (first === undefined) throw new Error('There are nodes.');
  first.run('--seed');
  await until('start', () => first.isUp);
  const environment = await (await requireInstance(first.dataDirectory)).environment();
  const seeded = await seed(environment, defaultSeed);
  const clients = await Clients.open({ ...environment, port: fleet.balancer.port }, seeded, time);
  await clients.setUp();
  for (const node of others) node.run();
  await until('start of those that stand by', () => others.every(({ isUp }) => isUp));

  const over = new AbortController();
  const work = Array.from({ length: workers }, (_, index) =>
    clients.work(`client ${index}`, randomFrom(number + index + 1), over.signal),
  );
  const scene = { fleet, clients, random, ...waitingFor(clients, fleet, until) };
  const lost = new AbortController();
  const custody = keepCustody(scene, randomFrom(number), { over: over.signal, lost: lost.signal });
  custody.catch(() => undefined); // it is heard of when the last fault is over
  let struck: readonly Struck[];
  try {
    struck = await strike(scene, time, seconds, say).finally(() => over.abort());
    await Promise.all([...work, custody]);
    await readAll(clients, until, lost.signal);
  } finally {
    lost.abort(); // nobody goes on with nodes that are gone
    time.stop();
  }
  const { history } = clients;
  const problems = checkHistory(history).map(({ rule, text }) => `${rule}: ${text}`);
  const missed = [
    ...problems.slice(0, 20),
    ...(problems.length > 0 ? [`seed ${number}`] : [...untried(history, struck), ...rulesThatSleep(history)]),
    ...tookLong(struck),
  ];
  return { figures: [`seed ${number}, ${seconds} s`, ...figuresOf(history, struck, fleet)], missed };
}

/** Each kind once, in an order by chance, then any; the next when all is back. */
async function strike(
  scene: Scene,
  time: RunningTime,
  seconds: number,
  say: (line: string) => void,
): Promise<readonly Struck[]> {
  const { fleet, random, acknowledged, until } = scene;
  const ends = performance.now() + seconds * 1_000;
  const struck: Struck[] = [];
  const kinds = chosenFaults();
  let order: readonly string[] = [];
  while (performance.now() < ends) {
    if (order.length === 0) order = random.shuffled(kinds);
    const [name = '', ...rest] = order;
    order = rest;
    const [began, startedAt] = [performance.now(), time.now()];
    await faults[name]?.(scene);
    await acknowledged();
    const [backMs, ranMs] = [performance.now() - began, time.now() - startedAt];
    struck.push({ name, backMs, ranMs });
    const ran = `${(ranMs / 1_000).toFixed(1)} s of running time`;
    say(`${name}: rows are acknowledged again after ${(backMs / 1_000).toFixed(1)} s, ${ran}`);
    await until(`all nodes after '${name}'`, () => fleet.nodes.every(({ isUp }) => isUp));
    await pause(random.below(1_000));
  }
  return struck;
}

/** @throws Error for a name that is none */
function chosenFaults(): readonly string[] {
  const all = Object.keys(faults);
  const chosen = process.env['KUSTODY_CAMPAIGN_FAULTS']?.split(',').filter((name) => name !== '') ?? all;
  const unknown = chosen.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new Error(`There is no fault '${unknown}', but: ${all.join(', ')}.`);
  return chosen;
}

interface Struck {
  readonly name: string;
  /** Milliseconds until rows are acknowledged again. */
  readonly backMs: number;
  /** Of them, running time. */
  readonly ranMs: number;
}

const waitingFor = (clients: Clients, fleet: Fleet, until: Scene['until']): Pick<Scene, 'acknowledged' | 'until'> => ({
  until,
  acknowledged: (over) => {
    const { history } = clients;
    const since = performance.now();
    return until(
      'acknowledged rows',
      () =>
        over?.aborted === true ||
        history.some(({ kind, outcome, began }) => kind === 'ingest' && outcome === 'ok' && began > since),
      () => [clients.lastSaid(), ...fleet.nodes.map((node) => `${node.name}:\n${node.lastSaid()}`)].join('\n'),
    );
  },
});

const untilOf =
  (time: RunningTime): Scene['until'] =>
  async (what, holds, why = () => '') => {
    const started = time.now();
    const began = performance.now();
    while (!holds()) {
      if (time.now() - started > backWithinMs) {
        const real = ((performance.now() - began) / 1_000).toFixed(0);
        throw new Error(`${what}: not within ${backWithinMs / 1_000} s of running time (${real} s)\n${why()}`);
      }
      await pause(lookEveryMs);
    }
  };

/** Rotates, takes the key away and gives it back, until it is over; then the cluster has its key. */
async function keepCustody(
  { clients, acknowledged }: Scene,
  random: Random,
  { over, lost }: Readonly<Record<'over' | 'lost', AbortSignal>>,
): Promise<void> {
  const name = 'custodian';
  const takeAway = async (): Promise<void> => {
    if (await clients.access(name, 'revoke')) await clients.read(name, random.of(tables));
    await pause(random.below(1_000));
    while (!lost.aborted && !(await clients.access(name, 'restore'))) await pause(lookEveryMs);
    await acknowledged(over);
  };
  while (!over.aborted) {
    await pause(2_000 + random.below(4_000));
    if (random.below(3) === 0) await clients.rotate(name);
    else await takeAway();
  }
  // A run in which nobody was told of one says nothing of revocations.
  while (!lost.aborted && !clients.history.some(({ kind, outcome }) => kind === 'revoke' && outcome === 'ok'))
    await takeAway();
}

async function readAll(clients: Clients, until: Scene['until'], lost: AbortSignal): Promise<void> {
  const looks = [
    ...tables.map((table) => () => clients.read('the end', table)),
    // What is there is seen first; a run in which no value was ever acknowledged says nothing of registers.
    ...registers.flatMap((register) => [
      () => clients.get('the end', register),
      () => clients.put('the end', register),
      () => clients.get('the end', register),
    ]),
  ];
  let seen = 0;
  const looking = (async () => {
    for (const look of looks) {
      while (!lost.aborted && !(await look())) await pause(lookEveryMs);
      seen += 1;
    }
  })();
  await until(
    'a look at everything at the end',
    () => seen === looks.length,
    () => clients.lastSaid(),
  );
  await looking;
}

const lateIn = (history: readonly Operation[]): readonly Operation[] =>
  history.filter((one) => one.kind === 'ingest' && one.late === true);

/** Its sentence, without what differs from one to the next. */
const reasonOf = (said: string): string =>
  `'${(said.split('\n').at(-1) ?? '').replaceAll(/127\.0\.0\.\d+:\d+/g, '…').slice(0, 120)}'`;

/** Whoever slept has to have been sent something, or nothing was seen. */
const untried = (history: readonly Operation[], struck: readonly Struck[]): readonly string[] =>
  struck.some(({ name }) => name === 'serving node paused') && lateIn(history).length === 0
    ? ['nothing was sent to the node that slept']
    : [];

const killsOf = (struck: readonly Struck[]): readonly Struck[] =>
  struck.filter(({ name }) => name === 'serving node killed');

/** Rows have to be acknowledged again by then. */
const tookLong = (struck: readonly Struck[]): readonly string[] =>
  killsOf(struck)
    .filter(({ ranMs }) => ranMs > backAfterKillMs)
    .map(({ ranMs }) => `rows were acknowledged again ${(ranMs / 1_000).toFixed(1)} s of running time after a kill`);

function figuresOf(history: readonly Operation[], struck: readonly Struck[], fleet: Fleet): readonly string[] {
  const count = (kinds: readonly string[]): string =>
    [...new Set(kinds)].map((kind) => `${kind} ${kinds.filter((one) => one === kind).length}`).join(', ');
  const outcomes = history.map(({ kind, outcome }) => `${kind} ${outcome}`).toSorted();
  const rows = history.flatMap((one) => (one.kind === 'ingest' && one.outcome === 'ok' ? one.rows : []));
  const late = lateIn(history);
  const kills = killsOf(struck);
  const median = (of: 'backMs' | 'ranMs'): string =>
    (
      quantile(
        kills.map((kill) => kill[of]),
        0.5,
      ) / 1_000
    ).toFixed(1);
  return [
    `${struck.length} faults: ${count(struck.map(({ name }) => name))}`,
    `${history.length} operations: ${count(outcomes)}; ${rows.length} acknowledged rows`,
    `${late.length} requests with rows sent to nodes that slept: ${count(late.map(({ outcome }) => outcome))}`,
    `nodes that ended by themselves: ${count(fleet.nodes.flatMap(({ ends }) => ends.map(reasonOf)))}`,
    `requests for blobs that one node alone was cut off with: ${fleet.blobs.refusals}`,
    `left behind by nodes that ended: ${count(fleet.nodes.flatMap((node) => node.leftBehind())) || 'nothing'}`,
    ...(kills.length === 0
      ? []
      : [`acknowledged again after a kill: median ${median('backMs')} s, ${median('ranMs')} s of running time`]),
  ];
}
