import type { RunningQuery } from './actions.ts';
import { actions, beginComputation, beginLongAnswer, countRows } from './actions.ts';
import type { ActionName, CellName, DrillCell, WayName } from '../../server/drill-matrix.ts';
import { actionNames } from '../../server/drill-matrix.ts';
import type { Outcome } from './outcome.ts';
import type { BeginOutside, OutsideWork } from './outside.ts';
import type { Scene } from './scene.ts';
import { ways } from './ways.ts';
import type { Way } from './ways.ts';

/** What came of one way to lose the key. */
export interface DrillRow {
  readonly way: WayName;
  readonly title: string;
  readonly bites: Way['bites'];
  readonly outcomes: Readonly<Record<ActionName, Outcome>>;
  /** Seconds on the Kustody clock until a query was refused, and until one was answered again after the key was back. */
  readonly bitAfterSeconds?: number;
  readonly healedAfterSeconds?: number;
  readonly warning?: string;
  /** What was not as it must be. */
  readonly problems: readonly string[];
}

/** A refusal must be seen within two rounds of checks; an outage ends the use of the key after the grace, and not before. */
const limits = {
  stepSeconds: 10,
  refusalSecondsMax: 60,
  graceSeconds: 3_600,
  healSecondsMax: 60,
  outageStepSeconds: 300,
};
const expiredSeconds = 7_200;

export interface DrillProgress {
  began(way: Way): void;
  /** As soon as it is known. */
  cell?(cell: DrillCell): void;
  ended(row: DrillRow): void;
}

/** Goes through all ways on one cluster, one after the other.
 * @param beginOutside what goes out of the cluster and comes into it meanwhile
 * @param progress is told what comes of each */
export async function runDrill(
  scene: Scene,
  beginOutside: BeginOutside,
  progress: DrillProgress,
  wanted: readonly Way[] = ways,
): Promise<readonly DrillRow[]> {
  const rows: DrillRow[] = [];
  for (const way of wanted) {
    progress.began(way);
    const row = await drillOne(scene, beginOutside, way, (cell, what) =>
      progress.cell?.({ way: way.name, cell, ...what, ...scene.recorder.take() }),
    );
    rows.push(row);
    progress.ended(row);
  }
  return rows;
}

/** Tells a cell, with what was asked since the last one. */
type Tell = (cell: CellName, what: Partial<Outcome> & { readonly seconds?: number }) => void;

async function drillOne(scene: Scene, beginOutside: BeginOutside, way: Way, tell: Tell): Promise<DrillRow> {
  const before = await countRows(scene);
  if (before.rows === undefined) {
    throw new Error(`The cluster does not serve before '${way.title}': ${before.outcome.message ?? 'no reason'}`);
  }
  const outside = await beginOutside(scene);
  const query = await (way.bites === 'none' ? beginLongAnswer(scene) : beginComputation(scene));
  const running = { query, outside };
  scene.recorder.take();
  await way.take(scene);
  return way.bites === 'none'
    ? withoutBite(scene, way, running, before.rows, tell)
    : withBite(scene, way, running, before.rows, tell);
}

/** What had begun before the key was taken. */
interface Running {
  readonly query: RunningQuery;
  readonly outside: OutsideWork;
}

async function withBite(scene: Scene, way: Way, running: Running, rows: number, tell: Tell): Promise<DrillRow> {
  const bitAfterSeconds = await secondsUntil(scene, isRefused, stepsTo(way));
  tell('taken', secondsOf(bitAfterSeconds));
  const outcomes = await allOutcomes(scene, running, tell);
  await way.giveBack(scene);
  const healedAfterSeconds = await secondsUntil(scene, isServed, healSteps());
  const outsideAfter = healedAfterSeconds === undefined ? [] : await running.outside.problemsAfter();
  tell('givenBack', secondsOf(healedAfterSeconds));
  const after = await countRows(scene);
  return {
    ...{ way: way.name, title: way.title, bites: way.bites, outcomes },
    ...(bitAfterSeconds === undefined ? {} : { bitAfterSeconds }),
    ...(healedAfterSeconds === undefined ? {} : { healedAfterSeconds }),
    problems: [
      ...biteProblems(way, bitAfterSeconds),
      ...refusalProblems(scene, outcomes),
      ...running.outside.problemsMeanwhile(),
      ...outsideAfter,
      ...(healedAfterSeconds === undefined ? ['It did not heal by itself.'] : []),
      ...(after.rows === rows ? [] : [`There were ${rows} rows before and ${after.rows ?? 'none to be seen'} after.`]),
    ],
  };
}

/** The clock goes over the date; nothing may stop. */
async function withoutBite(scene: Scene, way: Way, running: Running, rows: number, tell: Tell): Promise<DrillRow> {
  await scene.instance.pass(expiredSeconds);
  const warning = await scene.instance.warning();
  tell('taken', {});
  const outcomes = await allOutcomes(scene, running, tell);
  await way.giveBack(scene);
  const outsideAfter = await running.outside.problemsAfter();
  tell('givenBack', {});
  const after = await countRows(scene);
  const refused = Object.entries(outcomes).filter(([, { kind }]) => kind !== 'served');
  return {
    ...{ way: way.name, title: way.title, bites: way.bites, outcomes },
    ...(warning === undefined ? {} : { warning }),
    problems: [
      ...refused.map(([action, outcome]) => `${action} was not served (${inWords(outcome)}).`),
      ...running.outside.problemsMeanwhile(),
      ...outsideAfter,
      ...(warning?.includes('expired') === true ? [] : ['Nobody was warned.']),
      ...(after.rows === rows + 1 ? [] : [`${rows + 1} rows were expected and ${after.rows ?? 'none'} found.`]),
    ],
  };
}

/** All that is known of it: such a refusal is not expected, and may not come again. */
const inWords = ({ error = 'no error', status, message }: Outcome): string =>
  [error, status, message].filter((part) => part !== undefined).join(', ');

async function allOutcomes(scene: Scene, running: Running, tell: Tell): Promise<Readonly<Record<ActionName, Outcome>>> {
  const { query, outside } = running;
  const all: Readonly<Record<ActionName, (scene: Scene) => Promise<Outcome>>> = {
    ...actions,
    runningQuery: () => query.finish(),
    asyncIngestion: () => outside.ingestion(),
    export: () => outside.export(),
    runningExport: () => outside.finishExport(),
    continuousExport: () => outside.continuousExport(),
  };
  const outcomes: (readonly [ActionName, Outcome])[] = [];
  for (const name of actionNames) {
    const outcome = await all[name](scene);
    outcomes.push([name, outcome]);
    tell(name, outcome);
  }
  return Object.fromEntries(outcomes) as Readonly<Record<ActionName, Outcome>>;
}

const secondsOf = (seconds: number | undefined): { readonly seconds?: number } =>
  seconds === undefined ? {} : { seconds };

const isRefused = ({ kind }: Outcome): boolean => kind === 'refused';
const isServed = ({ kind }: Outcome): boolean => kind === 'served';

/** Lets time pass step by step. @returns the seconds until a query came out so, or undefined */
async function secondsUntil(
  scene: Scene,
  wanted: (outcome: Outcome) => boolean,
  steps: readonly number[],
): Promise<number | undefined> {
  let passed = 0;
  for (const seconds of [0, ...steps]) {
    if (seconds > 0) await scene.instance.pass(seconds);
    passed += seconds;
    if (wanted((await countRows(scene)).outcome)) return passed;
  }
  return undefined;
}

/** Small steps where the bite is expected. */
function stepsTo({ bites }: Way): readonly number[] {
  const { stepSeconds, refusalSecondsMax, graceSeconds, outageStepSeconds } = limits;
  const small = (seconds: number): readonly number[] => Array<number>(seconds / stepSeconds).fill(stepSeconds);
  if (bites === 'refusal') return small(refusalSecondsMax);
  const large = Array<number>(graceSeconds / outageStepSeconds - 1).fill(outageStepSeconds);
  return [...large, ...small(outageStepSeconds + refusalSecondsMax)];
}

const healSteps = (): readonly number[] =>
  Array<number>(limits.healSecondsMax / limits.stepSeconds).fill(limits.stepSeconds);

function biteProblems({ bites }: Way, seconds: number | undefined): readonly string[] {
  if (seconds === undefined) return ['The cluster went on without its key.'];
  const early = limits.graceSeconds - limits.refusalSecondsMax;
  if (bites === 'outage' && seconds < early) return [`It stopped after ${seconds} s, within the grace.`];
  return [];
}

/** Each action has to be refused by name, and the refusal has to say which vault it is about. */
function refusalProblems({ vaultHost }: Scene, outcomes: Readonly<Record<ActionName, Outcome>>): readonly string[] {
  return Object.entries(outcomes).flatMap(([action, { kind, error, message }]) => {
    if (kind === 'served') return [`${action} was served without the key.`];
    if (action === 'runningQuery' || action === 'runningExport') return [];
    if (error === undefined || error === 'none') return [`${action} was refused without a name.`];
    if (action !== 'start' && action !== 'rotate' && error !== 'ClusterSuspended')
      return [`${action} was refused as ${error}, not as ClusterSuspended.`];
    return message?.includes(vaultHost) === true ? [] : [`${action} was refused without the vault's name.`];
  });
}
