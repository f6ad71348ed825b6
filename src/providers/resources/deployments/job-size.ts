import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Json } from '../../../base/json.ts';
import { EvaluationEnded } from '../../../templates/thread/evaluation-thread.ts';
import { deploymentErrors } from './deployment-errors.ts';

/** The service's own limit, of what a deployment keeps as a whole: its template with loops, parameters and variables as they come out, and
 * what is known of its request. A resource alone has the same limit, so it needs no measure of its own.
 * @see "Resolve errors for job size exceeded" of the resource manager's documentation; which compression it takes is not said */
export const jobBytesMax = 1024 * 1024;

/** So much is compressed at most before it is refused: a loop can repeat a nested template of 4 MB 800 times. */
export const measuredBytesMax = 64 * jobBytesMax;

/** Measures with gzip, on threads of Node.js' own, and nothing of what would be small enough as it is.
 * @param parts of the job; asked for and written one at a time, so no more than one of them is held twice
 * @throws ArmError 400 `DeploymentJobSizeExceeded`; EvaluationEnded when nobody waits for it any more */
export async function checkJobSize(parts: Iterable<Json>, signal?: AbortSignal): Promise<void> {
  const written = writtenParts(parts);
  const small: Buffer[] = [];
  for (let bytes = 0; bytes <= jobBytesMax; bytes += small.at(-1)?.length ?? 0) {
    const { value, done } = written.next();
    if (done === true) return;
    small.push(value);
  }
  try {
    await pipeline(
      function* () {
        yield* small.splice(0);
        yield* written;
      },
      createGzip(),
      async (compressed: AsyncIterable<Buffer>) => {
        let bytes = 0;
        for await (const piece of compressed) {
          bytes += piece.length;
          if (bytes > jobBytesMax) throw deploymentErrors.DeploymentJobSizeExceeded('job, compressed,', jobBytesMax);
        }
      },
      ...(signal === undefined ? [] : [{ signal }]),
    );
  } catch (error) {
    throw signal?.aborted === true ? new EvaluationEnded() : error;
  }
}

function* writtenParts(parts: Iterable<Json>): Generator<Buffer, undefined> {
  let bytes = 0;
  for (const part of parts) {
    const one = Buffer.from(JSON.stringify(part));
    bytes += one.length;
    if (bytes > measuredBytesMax) throw deploymentErrors.DeploymentJobSizeExceeded('job', measuredBytesMax);
    yield one;
  }
}
