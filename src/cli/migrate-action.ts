import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { PostgresAddress } from '../state/postgres/postgres-address.ts';
import { instant } from '../clock/clock.ts';
import type { MoveCounts, MoveProgress, MoveSettings } from '../server/moving/migrate.ts';
import { migrate as move, planMigration } from '../server/moving/migrate.ts';
import type { MoveEnd } from '../server/moving/move-end.ts';
import { endName } from '../server/moving/move-end.ts';
import { takeBack } from '../server/moving/take-back.ts';
import type { CredentialSource } from './blobs-place.ts';
import { blobsPlaceOf } from './blobs-place.ts';
import { isDataDirectory, prepareDataDirectory } from './data-directory.ts';
import { explain } from './instance.ts';
import type { RootKeyOptions } from './root-key-options.ts';
import type { RootKeySource } from './root-key-source.ts';
import { ask } from './question.ts';
import { stoppedRootKeys } from './stopped-root-keys.ts';
import { statePlaceOf } from './state-place.ts';
import { UserError } from './user-error.ts';
import type { Waiting } from './waiting.ts';
import { startWaiting } from './waiting.ts';

export interface MigrateOptions extends RootKeyOptions {
  readonly from: string;
  readonly fromState?: PostgresAddress;
  readonly fromStatePasswordFd?: number;
  readonly fromBlobs?: string;
  readonly fromBlobsCredential?: CredentialSource;
  readonly to: string;
  readonly toState?: PostgresAddress;
  readonly toStatePasswordFd?: number;
  readonly toBlobs?: string;
  readonly toBlobsCredential?: CredentialSource;
  readonly plan: boolean;
  readonly takeBack: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

/** Moves an instance, or says what would be moved. @throws UserError */
export async function migrate(rootKeys: RootKeySource, options: MigrateOptions): Promise<void> {
  for (const [name, value] of [
    ['from', options.from],
    ['to', options.to],
  ] as const)
    if (/^[a-z]+:\/\//.test(value))
      throw new UserError(
        `--${name} names a data directory: the one that belongs to the state, or will.`,
        `Give the address of the state with --${name}-state, that of a container with --${name}-blobs.`,
      );
  if (options.plan && options.takeBack) throw new UserError('Give one of --plan and --take-back.');
  if (options.yes && !options.takeBack) throw new UserError('--yes goes with --take-back: a move asks nothing.');
  const from = await endOf(resolve(options.from), {
    ...(options.fromState && { state: options.fromState }),
    ...(options.fromStatePasswordFd !== undefined && { statePasswordFd: options.fromStatePasswordFd }),
    ...(options.fromBlobs !== undefined && { blobs: options.fromBlobs }),
    ...(options.fromBlobsCredential && { blobsCredential: options.fromBlobsCredential }),
  });
  if (!isDataDirectory(from.dataDirectory))
    throw new UserError(`${from.dataDirectory} is not a data directory of Kustody.`);
  const to = await endOf(resolve(options.to), {
    ...(options.toState && { state: options.toState }),
    ...(options.toStatePasswordFd !== undefined && { statePasswordFd: options.toStatePasswordFd }),
    ...(options.toBlobs !== undefined && { blobs: options.toBlobs }),
    ...(options.toBlobsCredential && { blobsCredential: options.toBlobsCredential }),
  });
  const ends = {
    now: () => instant(Date.now()),
    from: { ...from, dataDirectory: realpathSync(from.dataDirectory) },
    to,
  };
  try {
    const act = options.plan ? showPlan : options.takeBack ? bringBack : perform;
    const { rootKey, close } = await stoppedRootKeys(rootKeys, options, ends.from);
    await act({ ...ends, ...(rootKey && { rootKey }) }, options).finally(close);
  } catch (error) {
    throw explain(error, { dataDirectory: from.dataDirectory });
  }
}

async function endOf(
  dataDirectory: string,
  options: Parameters<typeof statePlaceOf>[0] & Parameters<typeof blobsPlaceOf>[0],
): Promise<MoveEnd> {
  const statePlace = statePlaceOf(options);
  return { dataDirectory, ...(statePlace && { statePlace }), ...(await blobsPlaceOf(options, process.env)) };
}

async function showPlan(settings: MoveSettings, { json }: MigrateOptions): Promise<void> {
  const counts = await planMigration(settings);
  if (json) {
    printJson({ planned: true, ...described(settings, counts) });
    return;
  }
  const { from, to } = settings;
  process.stdout.write(
    [
      `Would move ${endName(from)}`,
      `        to ${endName(to)}:`,
      ...countLines(counts),
      'The source would be left with its sealed copies, and not be served any more.',
      '',
    ].join('\n'),
  );
}

async function perform(settings: MoveSettings, { json }: MigrateOptions): Promise<void> {
  const prepare = (): void => void prepareDataDirectory(settings.to.dataDirectory);
  const waiting = startWaiting();
  const done = await move({ ...settings, prepare, progress: progressOn(waiting) }).finally(() => waiting.end());
  const { migration, counts } = done;
  if (json) {
    printJson({ planned: false, migration, ...described(settings, counts) });
    return;
  }
  const { from, to } = settings;
  process.stdout.write(
    [
      counts === undefined ? `${endName(from)} was moved already` : `Moved ${endName(from)}`,
      `   to ${endName(to)} (migration ${migration}).`,
      ...(counts === undefined ? [] : countLines(counts)),
      `Serve it there: kustody up --data '${to.dataDirectory}' with the options that name its places.`,
      `The source still holds sealed copies, which no change of keys at the target reaches. When it runs there, delete them: kustody reset --data '${from.dataDirectory}'`,
      '',
    ].join('\n'),
  );
}

async function bringBack(settings: MoveSettings, { yes, json }: MigrateOptions): Promise<void> {
  const confirm = ({ other }: { readonly other: string }): Promise<boolean> =>
    yes
      ? Promise.resolve(true)
      : ask(
          `${other} does not answer. What was acknowledged there since the move is lost to ${endName(settings.from)}; keys and roles that were taken away there are in force here again. Should it come back, there are two instances, each of which takes itself for the only one. Serve the source again?`,
          { message: 'Nobody is there to ask.', hint: 'Give --yes to take the source back without asking.' },
        );
  const move = await takeBack({ ...settings, confirm });
  if (move === undefined) throw new UserError('Nothing was changed.');
  const { migration, other: lost } = move;
  const source = endName(settings.from);
  if (json) printJson({ takenBack: source, lost, migration });
  else
    process.stdout.write(
      `${source} can be served again (migration ${migration}). Make sure that ${lost} is never served: delete what is left of it.\n`,
    );
}

/** A line says what goes on when it takes its time, and how far it is. */
function progressOn(waiting: Waiting): (progress: MoveProgress) => void {
  let last: MoveProgress | undefined;
  const text = (): string => (last === undefined ? '' : `${last.phase}, ${last.done} of ${last.of}`);
  return (progress) => {
    const isNew = progress.phase !== last?.phase;
    last = progress;
    if (isNew) waiting.begin(text);
  };
}

const rootKeyTexts: Readonly<Record<MoveCounts['rootKey'], string>> = {
  file: 'copied to root.key of the new directory',
  wrapped: 'goes with the state, as the vault has wrapped it',
  elsewhere: 'kept elsewhere, by you: not copied',
};

const countLines = ({ records, blobs, clusters, blobsStay, rootKey }: MoveCounts): readonly string[] => [
  `  records   ${records.records} (${records.bytes} bytes, SHA-256 of all ${records.digest})`,
  `  extents   ${blobs.blobs} sealed blobs (${blobs.bytes} bytes) of ${clusters} clusters${blobsStay ? ', which stay in their container' : ''}`,
  `  root key  ${rootKeyTexts[rootKey]}`,
];

const described = ({ from, to }: MoveSettings, counts: MoveCounts | undefined) => ({
  from: endName(from),
  to: endName(to),
  ...(counts ?? { alreadyCopied: true }),
});

const printJson = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
