import type { FastifyInstance } from 'fastify';
import { NotResealedError } from '../state/sealed/reseal.ts';
import { SealedRecordError } from '../state/record-seal.ts';
import type { RootKey } from '../state/root-key.ts';
import { RootKeyError } from '../state/root-key.ts';
import { StorageFullError } from '../base/storage-full.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock/clock.ts';
import type { Instance } from './instance.ts';
import { ControlError } from './control-plane.ts';
import type { Rotated, RootKeyStep, RotationPorts } from './rotate-root-key.ts';
import { rootKeyTeller, rotateRootKey } from './rotate-root-key.ts';
import type { ServerSettings } from './settings.ts';
import type { RootKeyPlace } from './root-key-place.ts';
import type { RootKeys } from './root-key-beside.ts';
import type { Json } from '../base/json.ts';
import type { StateStore } from '../state/state-store.ts';
import type { Log } from '../http/logging.ts';
import { formatKeyId } from '../base/key-id.ts';
import { readWrapped, wrappedAmong } from './wrapped-root-key.ts';
import type { RewrappedRootKey } from './rewrap-root-key.ts';
import type { SealedState } from '../state/sealed/sealed-state.ts';

/** What `kustody root-key` shows. */
export interface RootKeyStatus {
  /** What the key that seals now is known by in this state, hex: it says nothing of the key. */
  readonly id: string;
  readonly kept: RootKeyPlace;
  /** The one whose place it takes, as long as records may be sealed under that. */
  readonly oldId?: string;
  readonly oldKept?: RootKeyPlace;
  /** Records are sealed under two root keys: the old one is needed until it has come to its end. */
  readonly resealing: boolean;
  /** It goes on now. */
  readonly running: boolean;
  /** Records that were looked at so far. */
  readonly done?: number;
  readonly rotated?: Rotated;
  /** Why there is none. */
  readonly failure?: string;
}

/** What `GET /root-key/wrapped` answers: the root key that seals now, as a key in a vault has wrapped it, for a command that may use that key. It is
 * no secret without. Without members: no vault has wrapped it. */
export interface WrappedForCommands {
  readonly kid?: string;
  /** Base64url. */
  readonly wrapped?: string;
}

interface Parts {
  readonly sealed: SealedState;
  readonly store: StateStore;
  readonly settings: Pick<ServerSettings, 'dataDirectory' | 'outsideVaults' | 'keys'>;
  readonly placeOf: (key: RootKey) => Promise<RootKeyPlace>;
  readonly log: Log;
  /** Undefined: both are files beside the data. */
  readonly givenRootKeys: RootKeys | undefined;
  readonly nodesWithout?: RotationPorts['nodesWithout'];
  /** Another one seals everything now: nodes prove themselves by that. */
  readonly onRotated: () => Promise<void>;
  readonly forgetOld?: RotationPorts['forgetOld'];
  readonly kids?: RotationPorts['kids'];
}

export interface RootKeyRotation {
  /** One goes on, or was begun and has not come to its end; or another key version wraps the root key now. */
  isUnderWay(): boolean;
  routes(beside: {
    /** Copies of the state are sealed under one root key: none is taken meanwhile. */
    readonly backups: { isRunning(): boolean };
    readonly audit: Pick<AuditLog, 'commit'>;
    readonly instance: Instance;
    readonly clocks: { readonly clock: Pick<Clock, 'now'> };
  }): (app: FastifyInstance) => void;
  /** Ends what is under way between two commits: the same command goes on with it when the server runs again. */
  close(): Promise<void>;
}

/** `POST /root-key/rotate` begins, or goes on with, a rotation of the root key; `GET /root-key` says how far it is;
 * `POST /root-key/rewrap` lets another key version of a vault wrap it (`rewrapHeldRootKey`). No key is sent. */
export function createRootKeyRotation({
  sealed,
  store,
  settings,
  placeOf,
  log,
  givenRootKeys: given,
  nodesWithout,
  onRotated,
  forgetOld,
  kids,
}: Parts): RootKeyRotation {
  let last: Pick<RootKeyStatus, 'done' | 'rotated' | 'failure'> = {};
  let going: Promise<void> | undefined;
  let rewrapping: Promise<RewrappedRootKey> | undefined;
  let isClosing = false;
  const status = async (): Promise<RootKeyStatus> => {
    const { rootKey, oldRootKey } = sealed;
    const kept = await placeOf(rootKey);
    const oldKept = oldRootKey && (await placeOf(oldRootKey));
    return {
      ...{ id: sealed.nameOf(rootKey), kept },
      ...(oldRootKey && oldKept && { oldId: sealed.nameOf(oldRootKey), oldKept }),
      ...{ resealing: oldRootKey !== undefined, running: going !== undefined },
      ...last,
    };
  };
  const rewrap = async (body: Json | undefined, tell: (step: RootKeyStep) => Promise<void>) => {
    // What asks vaults is loaded by those alone who have one there.
    const { rewrapHeldRootKey } = await import('./rewrap-root-key.ts');
    const place = await placeOf(sealed.rootKey);
    const ports = { sealed, store, dataDirectory: settings.dataDirectory, vaults: settings, place, tell };
    const rewrapped = await rewrapHeldRootKey(ports, body);
    log.event('root-key-rewrapped', { ...rewrapped });
    return rewrapped;
  };
  const rotate = async (tell: (step: RootKeyStep) => Promise<void>): Promise<void> => {
    try {
      const progress = (done: number): void => {
        if (isClosing) throw new RootKeyError('The server was stopped: the same command goes on when it runs again.');
        last = { done };
      };
      const rotated = await rotateRootKey({
        ...{ sealed, dataDirectory: settings.dataDirectory, given, nodesWithout, progress, forgetOld, kids },
        // One that the stop ends goes on later: it has not failed.
        tell: (step) => (isClosing && step.status === 'Failed' ? Promise.resolve() : tell(step)),
      });
      await onRotated();
      last = { rotated };
      log.event('root-key-rotated', { ...rotated });
    } catch (error) {
      log.failure('root-key-rotation-failed', error);
      last = { failure: isKnown(error) ? error.message : 'The rotation failed; the log of the server says why.' };
    } finally {
      going = undefined;
    }
  };
  return {
    isUnderWay: () => going !== undefined || rewrapping !== undefined || sealed.oldRootKey !== undefined,
    routes:
      ({ backups, audit, instance, clocks }) =>
      (app) => {
        const tell = rootKeyTeller(audit, instance, () => clocks.clock.now());
        const requireNothingElse = (): void => {
          if (going !== undefined)
            throw new ControlError(409, 'RotationRunning', 'The root key is being rotated: wait for its end.');
          if (rewrapping !== undefined)
            throw new ControlError(409, 'RewrapRunning', 'The root key is being wrapped anew: wait for its end.');
          if (backups.isRunning())
            throw new ControlError(
              409,
              'BackupRunning',
              'A backup is being taken under the root key of now: wait for its end.',
            );
        };
        app.post<{ Body: Json | undefined }>('/root-key/rewrap', async ({ body }): Promise<RewrappedRootKey> => {
          requireNothingElse();
          if (sealed.oldRootKey !== undefined)
            throw new ControlError(
              409,
              'RootKeyRotating',
              "Records are sealed under two root keys: 'kustody root-key rotate' goes on with that.",
            );
          rewrapping = rewrap(body, tell);
          try {
            return await rewrapping;
          } finally {
            rewrapping = undefined;
          }
        });
        app.post('/root-key/rotate', async (_request, reply) => {
          requireNothingElse();
          last = {};
          going = rotate(tell);
          return reply.code(202).send(await status());
        });
        app.get('/root-key', status);
        app.get('/root-key/wrapped', async (): Promise<WrappedForCommands> => {
          const { record } = await wrappedAmong(store);
          if (record === undefined || (await placeOf(sealed.rootKey)).place !== 'vault') return {};
          const { kid, wrapped } = readWrapped(record);
          return { kid: formatKeyId(kid), wrapped: Buffer.from(wrapped).toString('base64url') };
        });
      },
    close: async () => {
      isClosing = true;
      await Promise.allSettled([going, rewrapping]);
    },
  };
}

const isKnown = (error: unknown): error is Error =>
  error instanceof RootKeyError ||
  error instanceof NotResealedError ||
  error instanceof SealedRecordError ||
  error instanceof StorageFullError;
