import type { TargetOf } from '../../database/exports/export-target.ts';
import type { SourceOf, StorageUse } from '../../database/ingest/data-source.ts';
import { dataError } from '../../database/catalog/data-error.ts';
import { ForbiddenError } from '../../database/commands/forbidden-error.ts';
import type { AdmittedRequest, DataPlanePorts } from './ports.ts';
import { callerTokens } from './sources/identity-tokens.ts';

/** Storage as the sender of a request names it, who can be impersonated there.
 * @param isBarred by `request_impersonation_disabled` */
export function callerStorage(
  { call, sourceOf, targetOf }: Pick<DataPlanePorts, 'call' | 'sourceOf' | 'targetOf'>,
  { access, request }: Pick<AdmittedRequest, 'access' | 'request'>,
  isBarred: boolean,
): { readonly sourceOf: SourceOf; readonly targetOf: TargetOf } {
  const token = callerTokens(call, request.headers.authorization ?? '');
  const callerToken = async (): Promise<string> => {
    if (isBarred)
      throw new ForbiddenError('The request may not impersonate its sender (request_impersonation_disabled).');
    // The token is for the follower, whose identity the sender did not lend to the leader.
    if (access.following !== undefined)
      throw dataError(
        'SourceNotAllowed',
        'Nobody is impersonated (;impersonate) for a request that comes through a follower.',
      );
    return token();
  };
  const asCaller = (use: StorageUse): StorageUse => ({ ...use, callerToken });
  return {
    sourceOf: (address, use) => sourceOf(address, asCaller(use)),
    targetOf: (address, use) => targetOf(address, asCaller(use)),
  };
}
