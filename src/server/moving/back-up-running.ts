import { StorageFullError } from '../../base/storage-full.ts';
import { startSystemTimer } from '../../http/timer.ts';
import { SealedRecordError } from '../../state/record-seal.ts';
import { StateDamagedError, StateFormatError, StateLockedError } from '../../state/sqlite/open-database.ts';
import { BlobsUnavailableError } from '../../storage/blob-store.ts';
import type { BackUpRunning } from '../backup-routes.ts';
import { BackupRefusedError } from '../backup-routes.ts';
import { StateMovedError } from '../move-marks.ts';
import { takeBackup } from './backup.ts';
import { liveSource } from './live-backup.ts';
import { MoveError } from './move-error.ts';

const told = [
  ...[MoveError, StorageFullError, StateLockedError, StateFormatError, StateDamagedError, StateMovedError],
  ...[BlobsUnavailableError, SealedRecordError],
];

/** What a server does that is asked for a backup of itself. */
export const backUpRunning: BackUpRunning = async ({ to, cluster }, running) => {
  const { from, now } = running;
  const settings = { from, to: { dataDirectory: to }, now, ...(cluster !== undefined && { cluster }) };
  try {
    return await takeBackup(settings, liveSource({ ...running, startTimer: startSystemTimer }));
  } catch (error) {
    if (error instanceof Error && told.some((one) => error instanceof one))
      throw new BackupRefusedError(error.message, { cause: error });
    throw error;
  }
};
