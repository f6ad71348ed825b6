import type { Call } from './request.ts';
import { send, sendJson } from './request.ts';

/** `POST /proof/scan` */
export interface DiskScan {
  readonly files: number;
  readonly bytes: number;
  /** The first of each form and file; at most 200. */
  readonly matches: readonly {
    readonly file: string;
    readonly canary: string;
    readonly form: 'UTF-8' | 'UTF-16LE' | 'UTF-16BE' | 'base64';
    readonly offset: number;
  }[];
  readonly matchCount: number;
  readonly unreadable: readonly string[];
  readonly unreadableCount: number;
}

/** Has every file of the data directory read for a text. @throws ApiError */
export const scanDisk = (canary: string, signal: AbortSignal): Promise<DiskScan> =>
  sendJson('/proof/scan', { method: 'POST', json: { canaries: [canary] }, signal });

export const proofKey = (): Promise<{ readonly fingerprint: string }> => sendJson('/proof/key');

export interface SealedStart {
  readonly bytes: Uint8Array;
  /** What opens it, as it lies in the blob's metadata: JSON. */
  readonly encryptionData: string;
}

/** The first bytes of an extent as it lies at rest; the rest is not asked for. @throws ApiError */
export async function startOfExtent(
  cluster: string,
  extentId: string,
  bytesMax: number,
  call: Pick<Call, 'signal'>,
): Promise<SealedStart> {
  const answer = await send(`/clusters/${encodeURIComponent(cluster)}/extents/${encodeURIComponent(extentId)}`, call);
  const encryptionData = answer.headers.get('x-ms-meta-encryptiondata') ?? '';
  const reader = answer.body?.getReader();
  const bytes = new Uint8Array(bytesMax);
  let filled = 0;
  while (reader !== undefined && filled < bytesMax) {
    const { done, value } = await reader.read();
    if (done) break;
    const piece = value.subarray(0, bytesMax - filled);
    bytes.set(piece, filled);
    filled += piece.byteLength;
  }
  await reader?.cancel();
  return { bytes: bytes.subarray(0, filled), encryptionData };
}
