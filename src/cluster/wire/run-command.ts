import type { KustoRequest } from './request-body.ts';
import { kustoError } from './kusto-error.ts';
import type { AdmittedRequest, WirePorts } from './wire-app.ts';

export async function runCommandRequest(_ports: WirePorts, _admitted: AdmittedRequest, _sent: KustoRequest): Promise<void> {
  await Promise.resolve();
  throw kustoError('badRequest', 'Request is invalid and cannot be processed: management commands are not served yet.');
}
