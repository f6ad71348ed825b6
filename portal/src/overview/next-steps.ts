import type { Cluster, Clock } from '../api/control.ts';

/** What to do now. */
export interface Step {
  readonly text: string;
  /** To type, where that is how it is done. */
  readonly command?: string;
  /** A page that does it. */
  readonly page?: 'keys' | 'query';
  readonly cluster?: string;
}

/** Clusters that have a step of their own. */
const suspendedMax = 5;

/** The most pressing first; for somebody who is here for the first time, too. */
export function nextSteps(clusters: readonly Cluster[], clock: Clock): readonly Step[] {
  const steps: Step[] = [];
  if (clock.heldJump !== undefined)
    steps.push({
      text: 'The clock of the machine was set forward: nothing is purged or expired until you say that it is right.',
      command: 'kustody clock accept',
    });
  const suspended = clusters.filter(({ suspension }) => suspension !== undefined);
  for (const { name } of suspended.slice(0, suspendedMax))
    steps.push({
      text: `Cluster '${name}' is without its key. See why, and give it back.`,
      page: 'keys',
      cluster: name,
    });
  if (suspended.length > suspendedMax)
    steps.push({ text: `${String(suspended.length - suspendedMax)} more clusters are without their keys.` });
  if (clusters.length === 0)
    steps.push({ text: 'There is no cluster yet. Make one, with a vault and a key.', command: 'kustody up --seed' });
  const [first] = clusters.filter(({ suspension }) => suspension === undefined);
  if (first === undefined) return steps;
  const isEmpty = first.databases?.every(({ tables }) => tables.length === 0) ?? false;
  if (isEmpty)
    steps.push({
      text: `Cluster '${first.name}' holds nothing yet. Make a table, and put a row in.`,
      command: `kustody query '.set-or-append Log <| print When = now(), Text = "hello-world-4711"'`,
    });
  steps.push({
    text: 'Take the key away, and see the query beside it fail; give it back.',
    page: 'keys',
    cluster: first.name,
  });
  steps.push({
    text: 'Show that no row lies on the disk in the clear.',
    command: 'kustody proof --canary hello-world-4711',
  });
  steps.push({ text: 'Point a program of yours at it, unchanged.', command: 'kustody run -- npm test' });
  return steps;
}
