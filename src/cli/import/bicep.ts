import { spawnSync } from 'node:child_process';
import type { JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { UserError } from '../user-error.ts';

const templateBytesMax = 64 * 1024 * 1024;

/** Compiles a Bicep file by the official compiler: $BICEP_PATH, else `bicep` on the PATH. @throws UserError with what it says */
export function compileBicep(file: string, compiler = process.env['BICEP_PATH'] ?? 'bicep'): JsonObject {
  const ran = spawnSync(compiler, ['build', file, '--stdout'], { encoding: 'utf8', maxBuffer: templateBytesMax });
  if (ran.error !== undefined && 'code' in ran.error && ran.error.code === 'ENOENT')
    throw new UserError(
      `Bicep is compiled by its own compiler, and there is no '${compiler}'.`,
      "Install the Bicep CLI, or name it with BICEP_PATH; or compile the file elsewhere and call 'kustody import arm'.",
    );
  if (ran.error !== undefined) throw ran.error;
  if (ran.status !== 0) throw new UserError(`${file} does not compile:\n${ran.stderr.trim()}`);
  const template = parsed(ran.stdout);
  if (isJsonObject(template)) return template;
  throw new UserError(`'${compiler}' gave no template.`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
