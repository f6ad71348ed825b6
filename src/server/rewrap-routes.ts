import type { FastifyInstance } from 'fastify';
import type { AuditLog } from '../audit/audit-log.ts';
import { fromBase64Url } from '../base/base64url.ts';
import type { Base64Url } from '../base/base64url.ts';
import { parseGuid } from '../base/guid.ts';
import type { Json } from '../base/json.ts';
import { isJsonObject, textMember } from '../base/json.ts';
import { formatKeyId, parseVersionedKeyId } from '../base/key-id.ts';
import type { Clock } from '../clock/clock.ts';
import type { SupervisedClusterKeys } from '../cluster/supervisor/cluster-keys.ts';
import type { CopiedWrap } from '../cluster/supervisor/rewrap-copy.ts';
import { keyCheckBytes } from '../encryption/cluster-key.ts';
import { ControlError } from './control-plane.ts';
import type { Instance } from './instance.ts';
import { copyEvent } from './copy-events.ts';

export interface RewrapPorts {
  readonly keys: Pick<SupervisedClusterKeys, 'rewrapCopy'>;
  readonly audit: Pick<AuditLog, 'commit'>;
  readonly instance: Instance;
  readonly clock: Pick<Clock, 'now'>;
}

/** What `POST /clusters/{id}/rewrap-copy` answers. */
export interface RewrappedCopy {
  /** The version that the cluster has now. */
  readonly kid: string;
  /** Base64url; absent: the copy is under that version. */
  readonly wrapped?: Base64Url;
}

const placeLengthMax = 1_000;
const wrappedLengths = [256, 384, 512];

/** The key of a backup of a cluster, under the version of now. What is asked for is in the audit before a vault is. */
export const rewrapRoutes =
  ({ keys, audit, instance, clock }: RewrapPorts) =>
  (app: FastifyInstance): void => {
    app.post<{ Params: { cluster: string }; Body: Json | undefined }>(
      '/clusters/:cluster/rewrap-copy',
      async ({ params, body }): Promise<RewrappedCopy> => {
        const clusterId = parseGuid(params.cluster);
        if (clusterId === undefined) throw notFound();
        const { place, ...copy } = copyOf(body);
        const tell = (status: 'Started' | 'Succeeded'): Promise<unknown> =>
          audit.commit({
            events: [copyEvent(instance, { operation: 'ClusterBackupRewrap', status, place, now: clock.now() })],
          });
        await tell('Started');
        const result = await keys.rewrapCopy(clusterId, copy);
        if (result.outcome === 'absent') throw notFound();
        if (result.outcome === 'refused') throw new ControlError(409, 'RewrapRefused', result.why);
        if (result.outcome === 'failed') throw new ControlError(409, 'KeyUnavailable', result.message);
        await tell('Succeeded');
        const kid = formatKeyId(result.kid);
        return result.outcome === 'rewrapped' ? { kid, wrapped: result.wrapped } : { kid };
      },
    );
  };

const notFound = (): ControlError => new ControlError(404, 'ClusterNotFound', 'There is no such cluster.');

function copyOf(body: Json | undefined): CopiedWrap & { readonly place: string } {
  const sent = isJsonObject(body) ? body : undefined;
  const [kid, place] = [parseVersionedKeyId(textMember(sent, 'kid')), textMember(sent, 'place')];
  const [wrapped, check] = [textMember(sent, 'wrapped'), textMember(sent, 'check')];
  const isKnown =
    wrappedLengths.includes(fromBase64Url(wrapped)?.byteLength ?? 0) &&
    fromBase64Url(check)?.byteLength === keyCheckBytes;
  if (kid === undefined || !isKnown || place === '' || place.length > placeLengthMax)
    throw new ControlError(400, 'InvalidCopy', 'Give {"kid", "wrapped", "check", "place"} of a backup of the cluster.');
  return { kid, wrapped: wrapped as Base64Url, check: check as Base64Url, place };
}
