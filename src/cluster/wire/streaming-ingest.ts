import { kustoError } from './kusto-error.ts';
import type { AdmittedRequest, WirePorts } from './wire-app.ts';

export interface IngestTarget {
  readonly database: string;
  readonly table: string;
  readonly query: URLSearchParams;
  readonly body: Uint8Array | undefined;
}

export async function ingestRequest(_ports: WirePorts, _admitted: AdmittedRequest, _target: IngestTarget): Promise<void> {
  await Promise.resolve();
  throw kustoError('badRequest', 'Request is invalid and cannot be processed: streaming ingestion is not served yet.');
}
