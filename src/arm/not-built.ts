import type { ArmMethod, ArmOperation } from './arm-operation.ts';
import { armErrors } from './arm-errors.ts';

/** A row for an operation that Azure has and Kustody has not: refused by its name, after the caller was authenticated and authorized.
 * @throws ArmError 501 `NotImplemented` from its handler */
export function notBuilt(id: string, method: ArmMethod, path: string, action: string): ArmOperation {
  return { id, method, path, action, notBuilt: true, handle: () => Promise.reject(armErrors.NotImplemented(id)) };
}
