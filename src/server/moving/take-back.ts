import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Instant } from '../../clock/clock.ts';
import { nameOf } from '../../state/postgres/postgres-address.ts';
import type { RootKey } from '../../state/root-key.ts';
import { isSealed } from '../../state/sealed/check-record.ts';
import { SqliteStateStore, stateFileName } from '../../state/sqlite/sqlite-state-store.ts';
import type { Move } from '../move-marks.ts';
import { readMark, removeMark } from '../move-marks.ts';
import { tellCopied } from '../copy-events.ts';
import { withState } from './held-state.ts';
import type { MoveEnd } from './move-end.ts';
import { endName } from './move-end.ts';
import { MoveError } from './move-error.ts';
import { anyState, openHeld, openSource, requireState } from './open-source.ts';

export interface TakeBackSettings {
  /** It says that it was moved. */
  readonly from: MoveEnd;
  /** Where it was moved to, as the move was told: lost for good. */
  readonly to: MoveEnd;
  /** Kept elsewhere; without it the file beside the data. */
  readonly rootKey?: RootKey;
  readonly now: () => Instant;
  /** Asked when all that can be looked at says that the target is lost. */
  readonly confirm: (move: Move) => Promise<boolean>;
}

/** Lets the source of a move be served again, when its target is lost. What was acknowledged at the target is lost with it, and should the
 * target come back, there are two instances that each take themselves for the only one: nothing here can keep it from being served.
 *
 * Order: the source locked → the target looked for → somebody says yes → looked for once more → the audit of the source tells of it → THE MARK
 * GOES. Whatever ends it, the same call goes on; the audit then tells of it twice.
 * @returns undefined when nobody said yes
 * @throws MoveError when the source was not moved there, or the target may still be there; and what `migrate` throws */
export async function takeBack(settings: TakeBackSettings): Promise<Move | undefined> {
  const { from, to, now, confirm } = settings;
  const { opened, close } = await openHeld(settings, anyState);
  const { store } = opened;
  try {
    await requireState(store, from);
    const moved = await readMark(store, 'moved');
    if (moved === undefined) throw new MoveError(`${endName(from)} does not say that it was moved: it can be served.`);
    if (moved.other !== endName(to))
      throw new MoveError(`${endName(from)} was moved to ${moved.other}, not to ${endName(to)}.`);
    await requireLost(to);
    if (!(await confirm(moved))) return undefined;
    await requireLost(to);
    const { instance, rootKey } = await openSource(settings, store);
    await withState(store, rootKey, (state) =>
      tellCopied(state, instance, {
        ...{ operation: 'InstanceTakenBack', status: 'Succeeded', place: moved.other, now: now() },
      }),
    );
    await removeMark(store, 'moved');
    return moved;
  } finally {
    await close();
  }
}

/** @throws MoveError, and what opening the target throws when it cannot be told whether it is there */
async function requireLost({ dataDirectory, statePlace }: MoveEnd): Promise<void> {
  const still = (name: string): MoveError =>
    new MoveError(
      `${name} still holds a state: the instance is there. Serve it there, or move it back with kustody migrate. Only when it is lost can the source be taken back.`,
    );
  // Opening it would make one.
  if (existsSync(join(dataDirectory, stateFileName))) {
    const store = SqliteStateStore.open(dataDirectory);
    const holdsState = await isSealed(store).finally(() => store.close());
    if (holdsState) throw still(dataDirectory);
  }
  if (statePlace === undefined) return;
  const { askState } = await import('../../state/postgres/ask-state.ts');
  if ((await askState(statePlace.address, statePlace.password)) === 'holdsState')
    throw still(`The state ${nameOf(statePlace.address)}`);
}
