import type { OwnCluster } from '../../../cmk/drill/own-cluster.ts';
import type { OwnAnswer, OwnRow } from '../../../cmk/drill/own-drill.ts';
import { errorText } from '../../../cmk/drill/own-drill.ts';
import type { OwnChange, OwnWay } from '../../../cmk/drill/own-ways.ts';
import { htmlPage, htmlTable, htmlText as text } from '../../proof/html.ts';
import { textTable } from '../../text-table.ts';

export interface PlannedWay {
  readonly way: OwnWay;
  readonly changes: readonly OwnChange[];
}

export interface OwnPlan {
  /** In words: Azure, or which instance. */
  readonly place: string;
  readonly ways: readonly PlannedWay[];
  readonly notDone: readonly { readonly way: string; readonly why: string }[];
  readonly waitSeconds: number;
}

/** What somebody agrees to: all that is going to be sent. */
export function planText(own: OwnCluster, { place, ways, notDone, waitSeconds }: OwnPlan): string {
  const { cluster, key, vault, database, followers } = own;
  return [
    `Cluster ${cluster.id} on ${place}, under key '${key.keyName}' of vault ${vault.name}.`,
    'One way after the other; each of these changes is undone before the next way begins, whatever happens:',
    ...ways.flatMap(({ way, changes }) => [
      `  ${way.title}`,
      ...changes.flatMap(sentFor).map((sent) => `    - ${sent}`),
    ]),
    ...notDone.map(({ way, why }) => `  not done: ${way} (${why})`),
    `Nothing else is sent but reads, 'print Drilled = 1' and '.show tables' in database ${database}.`,
    `While a way lasts, until it bites (${waitSeconds} s at most) and heals again, nobody can use the cluster, and whoever else uses the key or the permission is without it.`,
    ...followers.map((id) => `It is followed by ${id}, which falls with it.`),
  ].join('\n');
}

const sentFor = ({ asksFirst, title }: OwnChange): readonly string[] =>
  asksFirst === undefined ? [title] : [asksFirst, title];

export const changeText = ({ title, byHand }: OwnChange): string =>
  `  ${title}\n    should this program be killed, undo it with: ${byHand}`;

const head = ['', 'what happened', 'bit after', 'query', 'command', 'healed after'];

const cellsOf = (row: OwnRow): readonly string[] => [
  row.problems.length === 0 ? 'ok' : 'NO',
  row.title,
  seconds(row.bitAfterSeconds),
  answerText(row.query),
  answerText(row.command),
  seconds(row.healedAfterSeconds),
];

const seconds = (value: number | undefined): string => (value === undefined ? 'never' : `${value} s`);
const answerText = (answer: OwnAnswer): string => (answer.served ? 'served' : errorText(answer));

const verdictOf = (rows: readonly OwnRow[]): string =>
  rows.every(({ problems }) => problems.length === 0)
    ? 'Each way stopped the cluster, and was undone; the cluster serves.'
    : 'Not everything came out as it must. Every change was undone.';

/** For a terminal. */
export const ownDrillText = (rows: readonly OwnRow[]): string =>
  [
    textTable(head, rows.map(cellsOf)),
    ...rows.flatMap((row) => row.problems.map((problem) => `${row.title}: ${problem}`)),
    verdictOf(rows),
  ].join('\n');

/** What is told of a cluster beside what was done to it. */
interface DrilledCluster {
  readonly cluster: Pick<OwnCluster['cluster'], 'id' | 'name'>;
  readonly key: Pick<OwnCluster['key'], 'keyName'>;
  readonly vault: Pick<OwnCluster['vault'], 'name'>;
  readonly version: string;
}

/** One HTML document that stands by itself. @param madeOn ISO */
export function ownDrillPage(own: DrilledCluster, plan: OwnPlan, rows: readonly OwnRow[], madeOn: string): string {
  const problems = rows.flatMap((row) => row.problems.map((problem) => `${row.title}: ${problem}`));
  return htmlPage(
    'Kustody: losing the key of a cluster',
    `<header>
<h1>Losing the key of ${text(own.cluster.name)}</h1>
<p class="soft">Drilled ${text(madeOn)} on ${text(plan.place)}: <code>${text(own.cluster.id)}</code>, under key <code>${text(own.key.keyName)}</code> of vault ${text(own.vault.name)}, version <code>${text(own.version)}</code>.</p>
</header>
<p class="verdict ${problems.length === 0 ? 'good' : 'bad'}">${text(verdictOf(rows))}</p>
${problems.length === 0 ? '' : `<ul>${problems.map((problem) => `<li>${text(problem)}</li>`).join('')}</ul>`}
${htmlTable(head, rows.map(cellsOf))}
<p class="soft">Seconds are those of the machine that asked, from the acknowledgement of the change, or of its undoing, until a query was refused, or answered. In between it asked again and again.</p>
<h2>What was changed, and undone again</h2>
${htmlTable(
  ['way', 'change'],
  rows.flatMap((row) => row.changes.map((change) => [row.title, change])),
)}
${
  plan.notDone.length === 0
    ? ''
    : `<h2>Not done</h2>${htmlTable(
        ['way', 'why'],
        plan.notDone.map(({ way, why }) => [way, why]),
      )}`
}`,
  );
}
