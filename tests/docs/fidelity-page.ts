import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mendings } from '../../scripts/fidelity/mend-recordings.mjs';
import { code, madeFrom, table, wrapped } from './markdown.ts';

const folder = join(import.meta.dirname, '..', '..', 'vectors', 'fidelity');

/** What recorded Azure answered otherwise, and why. */
interface Difference {
  /** How the comparison names it; what begins like this is explained. */
  readonly starts: string;
  readonly reason: string;
  readonly because: keyof typeof causes;
}

const causes = {
  deliberate: 'Differs on purpose',
  'other service': 'Belongs to services that are not here',
  recording: 'Comes from the recording or from playing it',
  time: 'Azure has changed since',
  'not built': 'Not built',
  open: 'Is to be mended',
} as const;

export const readDifferences = (): readonly Difference[] =>
  (JSON.parse(readFileSync(join(folder, 'differences.json'), 'utf8')) as { differences: Difference[] }).differences;

/** Answers that are not compared, by what begins the type of the resource that they are about. */
const readNotHere = (): readonly { readonly type: string; readonly answers: number }[] =>
  (
    JSON.parse(readFileSync(join(folder, 'differences.json'), 'utf8')) as {
      notHere: { type: string; answers: number }[];
    }
  ).notHere;

export const readFloor = (): Readonly<Record<string, number>> =>
  JSON.parse(readFileSync(join(folder, 'floor.json'), 'utf8')) as Record<string, number>;

/** The page docs/fidelity.md. */
export function fidelityPage(): string {
  const rows = readDifferences();
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  return [
    '# Fidelity',
    '',
    madeFrom('`vectors/fidelity`'),
    '',
    wrapped(
      'Recorded requests of the public test suites of Azure’s clients are played into an instance, and its answers are compared with Azure’s: status, headers and bodies, with ids, times and key material by their form. `node scripts/fidelity.mjs --recordings DIR` does it; CI does it where the recordings are. It fails when a share falls below its floor, and when an answer differs in a way that is not on this page.',
    ),
    '',
    wrapped(
      'Of the answers compared, so many are equal at least, or differ in nothing that a client sees. *Together* are Key Vault’s and Kusto’s resource providers, Microsoft.Resources, Microsoft.ManagedIdentity, the resource manager itself and the vaults’ data plane; Microsoft.Authorization and Microsoft Graph are counted apart. No request to Entra ID was recorded: the recorders of all suites leave signing in out. A group that is recorded and has no floor fails the comparison.',
    ),
    '',
    ...table(
      ['What', 'Floor'],
      Object.entries(readFloor()).map(([name, share]) => [name, percent(share)]),
    ),
    '',
    '## Not compared',
    '',
    wrapped(
      'Requests about resources of services that are not here, deployments whose template makes such resources, and Azure AD Graph (`graph.windows.net`), which Microsoft has taken out of service: nothing is pretended to have been made. How many answers these are is counted, and the comparison fails when there are more.',
    ),
    '',
    ...table(
      ['About', 'Recorded answers'],
      readNotHere().map(({ type, answers }) => [code(type), String(answers)]),
    ),
    '',
    '## Put right before it is played',
    '',
    wrapped(
      'Where recorders and tools that read their files have changed what was on the wire. How answers are compared stays as it is.',
    ),
    '',
    ...table(['What', 'Reason'], mendings),
    '',
    ...Object.entries(causes).flatMap(([cause, title]) =>
      section(
        title,
        rows.filter(({ because }) => because === cause),
      ),
    ),
  ].join('\n');
}

function section(title: string, rows: readonly Difference[]): readonly string[] {
  if (rows.length === 0) return [];
  return [
    `## ${title}`,
    '',
    ...table(
      ['Difference', 'Reason'],
      rows.map(({ starts, reason }) => [code(starts), reason]),
    ),
    '',
  ];
}
