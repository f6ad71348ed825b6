import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemRandomBytes } from '../base/random.ts';
import type { RootKey } from '../state/root-key.ts';
import { openRootKeyFile, RootKeyError } from '../state/root-key.ts';
import { destroyRootKeyFile, nextRootKeyPath, replaceRootKeyFile } from '../state/root-key-files.ts';
import type { AuditEvent, RootKeyFacts } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Instant } from '../clock/clock.ts';
import { whileKilledCount } from '../state/formats/state-formats.ts';
import type { RegisteredNode } from '../state/formats/state-formats.ts';
import type { ResealCounts } from '../state/sealed/reseal.ts';
import type { SealedState } from '../state/sealed/sealed-state.ts';
import { rootKeyFileName } from './data-directory-names.ts';
import type { Instance } from './instance.ts';
import { ownEvent } from './own-event.ts';
import type { RootKeys } from './root-key-beside.ts';

/** What the audit tells of a rotation, or of what a vault has wrapped. */
export type RootKeyStep = Omit<RootKeyFacts, 'kind' | 'caller'>;

const stepEvent = (instance: Instance, now: Instant, step: RootKeyStep): AuditEvent =>
  ownEvent(instance, now, (caller) => ({ kind: 'rootKey', ...step, caller }));

/** @returns durable when it resolves */
export const rootKeyTeller =
  (audit: Pick<AuditLog, 'commit'>, instance: Instance, now: () => Instant): RotationPorts['tell'] =>
  (step) =>
    audit.commit({ events: [stepEvent(instance, now(), step)] });

export type RootKeyKids = Pick<RootKeyFacts, 'fromKid' | 'toKid'>;

export interface RotationPorts {
  readonly sealed: Pick<SealedState, 'rootKey' | 'oldRootKey' | 'nameOf' | 'reseal'>;
  readonly dataDirectory: string;
  /** Kept elsewhere: the key that is to seal everything, and the one before. Undefined: both are files beside the data. */
  readonly given: RootKeys | undefined;
  /** Of a state that several nodes have: those that live and do not have all of these root keys. */
  readonly nodesWithout?: ((keys: readonly string[]) => Promise<readonly LiveNode[]>) | undefined;
  /** The old key lies in the state, wrapped by a vault: takes it out when nothing is sealed under it. */
  readonly forgetOld?: (() => Promise<void> | undefined) | undefined;
  /** Durable when it resolves. */
  readonly tell: (step: RootKeyStep) => Promise<void>;
  /** Of the key versions in vaults that have wrapped the two. */
  readonly kids?: RootKeyKids | undefined;
  /** @param done records looked at so far */
  readonly progress?: (done: number) => void;
}

type LiveNode = Pick<RegisteredNode, 'host' | 'id' | 'silentMs'>;

export interface Rotated extends Partial<ResealCounts> {
  /** Where the old key was: its file is overwritten and gone, it lay in the state as a vault has wrapped it, or whoever has kept it destroys it now. */
  readonly oldKey: 'destroyed' | 'wrapped' | 'elsewhere';
}

/** Puts another root key in the place of the one that seals the state, which then opens nothing of it. Whatever interrupts it, the same call
 * goes on, and meanwhile both keys together open the state.
 *
 * Order: the next key is durable → the audit says so → `SealedState.reseal` → the audit says so → its file is in the place of the old one, which is
 * overwritten; one that a vault has wrapped goes from the state.
 * @throws RootKeyError when there is no other key, or a node that lives has not both, or at the end not the new one; and those of `SealedState.reseal` */
export async function rotateRootKey(ports: RotationPorts): Promise<Rotated> {
  const { sealed, dataDirectory, given, forgetOld } = ports;
  const path = join(dataDirectory, rootKeyFileName);
  if (given === undefined) {
    const isUnderWay = sealed.oldRootKey !== undefined;
    const before = sealed.oldRootKey ?? sealed.rootKey;
    const next = isUnderWay ? sealed.rootKey : openRootKeyFile(nextRootKeyPath(path), systemRandomBytes);
    const counts = await resealTold(ports, before, next);
    replaceRootKeyFile(path);
    before.close();
    return { ...counts, oldKey: 'destroyed' };
  }
  const { rootKey, otherRootKey } = given;
  if (otherRootKey === undefined) throw new RootKeyError(noOther);
  if (isSame(rootKey, otherRootKey)) throw new RootKeyError('The new root key and the old one are the same.');
  if (sealed.oldRootKey !== undefined && !isSame(sealed.rootKey, rootKey)) throw new RootKeyError(otherWayRound);
  const counts = await resealTold(ports, otherRootKey, rootKey);
  await forgetOld?.();
  if (forgetOld !== undefined) return { ...counts, oldKey: 'wrapped' };
  const isBeside = existsSync(path) && isSame(openRootKeyFile(path, systemRandomBytes), otherRootKey);
  if (isBeside) destroyRootKeyFile(path);
  return { ...counts, oldKey: isBeside ? 'destroyed' : 'elsewhere' };
}

async function resealTold(ports: RotationPorts, before: RootKey, next: RootKey): Promise<ResealCounts | undefined> {
  const { sealed, tell, progress } = ports;
  if (sealed.oldRootKey === undefined && isSame(sealed.rootKey, next)) return undefined;
  if (sealed.oldRootKey === undefined) await requireNodesHave([before, next], ports);
  const names = { from: sealed.nameOf(before), to: sealed.nameOf(next) };
  const step = { operation: 'RootKeyRotation', ...names, ...ports.kids } as const;
  await tell({ ...step, status: 'Started' });
  let counts: ResealCounts | undefined;
  try {
    counts = await sealed.reseal(next, { progress, mayEnd: () => requireNodesHave([next], ports) });
  } catch (error) {
    await tell({ ...step, status: 'Failed' }).catch(() => undefined); // the first error says why
    throw error;
  }
  await tell({ ...step, status: 'Succeeded' });
  return counts;
}

/** One that has not would be out of the turn until it is started anew, and cut off at the end. So it is asked before anything is begun, of both keys, and
 * once more before the commit that ends it, of the one that is left: a node may have joined meanwhile. One that joins after that says so itself. */
async function requireNodesHave(keys: readonly RootKey[], { sealed, nodesWithout }: RotationPorts): Promise<void> {
  const without = (await nodesWithout?.(keys.map((key) => sealed.nameOf(key)))) ?? [];
  if (without.length === 0) return;
  const all = without.map(({ host, id }) => (id === undefined ? host : `${host} (${id})`));
  throw new RootKeyError(
    `Not every node that lives has ${keys.length > 1 ? 'both root keys' : 'the new root key'}, or says so: ${all.join(', ')}. Start it with both, the old one in KUSTODY_OLD_ROOT_KEY or by --old-root-key-fd, or stop it; ${whileKilledCount(without)}.`,
  );
}

const otherWayRound =
  'The root key is being rotated to the other one of the two: give that one as the new one, and this one as the old one, or start the server so.';
const noOther =
  'There is one root key only. Give the new one in KUSTODY_ROOT_KEY or by --root-key-fd, and the old one in KUSTODY_OLD_ROOT_KEY or by --old-root-key-fd; a server is started with both.';

const isSame = (one: RootKey, other: RootKey): boolean => {
  const noState = Buffer.alloc(16);
  return one.nameFor(noState) === other.nameFor(noState);
};
