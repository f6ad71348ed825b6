import type { Guid } from '../../../base/guid.ts';
import { parseGuid } from '../../../base/guid.ts';
import type { Log, LogFields } from '../../../http/logging.ts';
import { ProtocolError } from '../../messages/message-fields.ts';
import type { SupervisedClusterKeys } from '../cluster-keys.ts';
import type { WireCalls, WireReplies } from '../../messages/data-plane-protocol.ts';
import type { WireAccessPorts } from './request-access.ts';
import { authorizeRequest } from './request-access.ts';

export interface WireServicePorts extends WireAccessPorts {
  readonly keys: Pick<SupervisedClusterKeys, 'admitted'>;
  readonly log: Log;
}

type Services = { readonly [Call in keyof WireCalls]: (clusterId: Guid, body: Fields) => Promise<WireReplies[Call]> };
type Fields = Readonly<Record<string, unknown>>;

/** What the data plane in a cluster process may ask, one row per call. Bodies are read as a stranger's. */
export function createWireServices(
  ports: WireServicePorts,
): (clusterId: Guid, operation: string, body: unknown) => Promise<unknown> {
  const services: Services = {
    authorize: (clusterId, { authorization }) => {
      if (authorization !== undefined && typeof authorization !== 'string') throw new ProtocolError('authorization');
      return authorizeRequest(ports, clusterId, authorization);
    },
    renew: async (clusterId) => {
      const admission = await ports.keys.admitted(clusterId);
      return { leaseMs: admission.outcome === 'admitted' ? admission.leaseMs : 0 };
    },
    log: (clusterId, body) => {
      writeLog(ports.log, clusterId, body);
      return Promise.resolve(null);
    },
  };
  return async (clusterId, operation, body) => {
    const service = Object.hasOwn(services, operation) ? services[operation as keyof Services] : undefined;
    if (service === undefined) throw new ProtocolError('operation');
    if (typeof body !== 'object' || body === null) throw new ProtocolError('no object');
    return service(clusterId, body as Fields);
  };
}

function writeLog(log: Log, clusterId: Guid, { method, name, fields }: Fields): void {
  if (typeof name !== 'string' || name.length > 100 || typeof fields !== 'object' || fields === null) {
    throw new ProtocolError('log line');
  }
  const read: LogFields = Object.fromEntries(
    Object.entries(fields).filter(([, value]) =>
      typeof value === 'string' ? value.length <= 4_000 : typeof value === 'number' || typeof value === 'boolean',
    ),
  );
  switch (method) {
    case 'event':
      log.event(name, { ...read, clusterId });
      return;
    case 'warning':
      log.warning(name, { ...read, clusterId });
      return;
    case 'failure':
      log.warning(name, { ...read, clusterId });
      return;
    case 'request':
      writeRequest(log, read);
      return;
    default:
      throw new ProtocolError('log line');
  }
}

function writeRequest(log: Log, line: LogFields): void {
  const requestId = parseGuid(String(line['requestId']));
  const correlationId = parseGuid(String(line['correlationId']));
  if (requestId === undefined || correlationId === undefined) throw new ProtocolError('log line');
  log.request({
    plane: 'kusto',
    method: String(line['method']),
    route: String(line['route']),
    status: Number(line['status']),
    ms: Number(line['ms']),
    requestId,
    correlationId,
    ...(line['aborted'] === true ? { aborted: true } : {}),
  });
}
