import type { FastifyInstance } from 'fastify';
import { realpathSync } from 'node:fs';
import { isAbsolute, relative, sep } from 'node:path';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Json } from '../base/json.ts';
import { isJsonObject, textMember } from '../base/json.ts';
import type { Instant } from '../clock/clock.ts';
import type { HeldStore } from '../state/held-store.ts';
import type { RootKey } from '../state/root-key.ts';
import type { State } from '../state/state.ts';
import { ControlError } from './control-plane.ts';
import type { Copied } from './copy-events.ts';
import { copyEvent } from './copy-events.ts';
import type { Instance } from './instance.ts';
import { placeOfRootKey } from './root-key-place.ts';
import type { ServerParts } from './server-parts.ts';
import type { ServerSettings } from './settings.ts';

/** What goes on, in words, and how many of it were done. */
export interface BackupProgress {
  readonly phase: 'extents' | 'records' | 'what changed meanwhile' | 'reading back';
  readonly done: number;
}

/** A backup of this instance that goes on, or has ended. */
export interface BackupRun extends Partial<BackupProgress> {
  readonly to: string;
  readonly manifest?: object;
  /** Why there is none. */
  readonly failure?: string;
}

/** Where to, and of what: without a name of the whole instance. */
export interface AskedBackup {
  readonly to: string;
  readonly cluster?: string;
}

/** An instance while it is served. */
export interface RunningInstance {
  readonly from: ServerSettings;
  /** Through which everything is committed. */
  readonly store: HeldStore;
  readonly rootKey: RootKey;
  /** The full id of the key version in a vault that has wrapped it. */
  readonly rootKeyKid: () => Promise<string | undefined>;
  readonly instance: Instance;
  /** The format that its records are in. */
  readonly written: () => number;
  readonly read: <T>(work: (state: State) => Promise<T>) => Promise<T>;
  /** @throws when another node may have the state by now */
  readonly checkState: () => Promise<void>;
  readonly tell: (copied: Copied) => Promise<void>;
  readonly now: () => Instant;
  readonly progress: (progress: BackupProgress) => void;
  /** Ends it, between two steps. */
  readonly signal: AbortSignal;
}

/** @returns the manifest @throws BackupRefusedError */
export type BackUpRunning = (asked: AskedBackup, running: RunningInstance) => Promise<object>;

/** What whoever asked for it can mend. */
export class BackupRefusedError extends Error {
  override readonly name = 'BackupRefusedError';
}

export interface Backups {
  readonly routes: (app: FastifyInstance) => void;
  isRunning(): boolean;
  /** Ends the one that goes on: an earlier backup stays, and the same command goes on later. */
  close(): Promise<void>;
}

const pathLengthMax = 1_000;

/** `POST /backup` begins one into a directory of this machine, `GET /backup` says how far it is. */
export function createBackups(parts: ServerParts, audit: Pick<AuditLog, 'commit'>): Backups {
  const { settings: from, instance, log } = parts;
  const closing = new AbortController();
  let run: BackupRun | undefined;
  let going: Promise<void> | undefined;
  const begin = (backUp: BackUpRunning, asked: AskedBackup): void => {
    const { to } = asked;
    run = { to };
    const running: RunningInstance = {
      ...{ from, store: parts.store, rootKey: parts.rootKey, instance, checkState: parts.checkState },
      rootKeyKid: async () => (await placeOfRootKey(parts.rootKey, from, parts.store)).kid,
      ...{ written: () => parts.format.written, read: (work) => work(parts.state) },
      tell: async (copied) => {
        await audit.commit({ events: [copyEvent(instance, copied)] });
      },
      now: () => parts.clocks.clock.now(),
      progress: (progress) => (run = { to, ...progress }),
      signal: closing.signal,
    };
    going = backUp(asked, running)
      .then(
        (manifest): BackupRun => ({ to, manifest }),
        (error: unknown): BackupRun => {
          if (error instanceof BackupRefusedError) return { to, failure: error.message };
          log.failure('backup-failed', error);
          return { to, failure: 'The backup failed; the log of the server says why.' };
        },
      )
      .then((ended) => {
        [run, going] = [ended, undefined];
      });
  };
  return {
    isRunning: () => going !== undefined,
    routes: (app) => {
      app.post<{ Body: Json | undefined }>('/backup', (request, reply) => {
        const asked = askedOf(request.body, from.dataDirectory);
        if (going !== undefined)
          throw new ControlError(
            409,
            'BackupRunning',
            `A backup to ${run?.to ?? ''} is being taken: wait for its end.`,
          );
        if (parts.rootKeyRotation.isUnderWay())
          throw new ControlError(
            409,
            'RootKeyRotating',
            "Records are sealed under two root keys: take the backup when 'kustody root-key rotate' has come to its end.",
          );
        if (from.backUp === undefined)
          throw new ControlError(409, 'BackupNotBuilt', 'Only an instance of the command line copies itself.');
        begin(from.backUp, asked);
        return reply.code(202).send(run);
      });
      app.get('/backup', () => {
        if (run === undefined) throw new ControlError(404, 'NoBackup', 'No backup was taken since the start.');
        return run;
      });
    },
    close: async () => {
      closing.abort(new BackupRefusedError('The server was stopped: the same command goes on when it runs again.'));
      await going;
    },
  };
}

function askedOf(body: Json | undefined, own: string): AskedBackup {
  const sent = isJsonObject(body) ? body : undefined;
  const [path, cluster] = [textMember(sent, 'to'), textMember(sent, 'cluster')];
  if (!isAbsolute(path) || path.length > pathLengthMax || cluster.length > pathLengthMax)
    throw new ControlError(
      400,
      'InvalidBackup',
      'Give {"to", "cluster"?}: the whole path of a directory that is there.',
    );
  let to: string;
  try {
    to = realpathSync(path);
  } catch {
    throw new ControlError(400, 'InvalidBackup', `${path} is not there, or not for this server.`);
  }
  // Nothing of its own state may be opened twice: whoever closes a file lets go of the locks of the process on it.
  const inside = relative(realpathSync(own), to);
  if (inside === '' || (inside.split(sep)[0] !== '..' && !isAbsolute(inside)))
    throw new ControlError(400, 'InvalidBackup', `${path} is in the data directory that it would be a backup of.`);
  return { to, ...(cluster !== '' && { cluster }) };
}
