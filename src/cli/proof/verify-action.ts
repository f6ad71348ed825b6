import { createPublicKey } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { ProofSigner } from '../../server/proof-routes.ts';
import { requireInstance } from '../control-client.ts';
import { dataDirectoryOf } from '../options.ts';
import { UserError } from '../user-error.ts';
import type { JsonObject } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import { Ambiguous, parseSigned } from './parse-signed.ts';
import type { SignatureCheck } from './signature.ts';
import { checkSignature } from './signature.ts';
import { findVaultSigner } from './vault-signature.ts';

/** As much as the control API gives a command to make one of. */
const proofBytesMax = 256 * 1024 * 1024;

/** Says whether a proof is as it was signed; exit code 1 when not. Asks nobody: the file is enough. */
export function verifyProof(
  file: string,
  { fingerprint, json }: { readonly fingerprint?: string; readonly json: boolean },
): void {
  const { document, ambiguous } = readProof(file);
  const check: SignatureCheck =
    ambiguous === undefined ? checkSignature(document, fingerprint) : { ok: false, why: ambiguous };
  if (!check.ok) process.exitCode = 1;
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...check, expected: fingerprint ?? null }, undefined, 2)}\n`);
    return;
  }
  const told = isJsonObject(document) ? document : undefined;
  const lines = check.ok
    ? [
        `${subjectOf(told)} of ${textMember(told, 'dataDirectory')}, made ${textMember(told, 'madeOn')}, is as it was signed.`,
        check.kid === undefined
          ? `Signed by the instance with fingerprint ${check.fingerprint}.`
          : `Signed with the vault key ${check.kid}, fingerprint ${check.fingerprint}.`,
        ...(fingerprint === undefined
          ? ["Whose that is, only its owner can say: give --fingerprint, as 'kustody proof key' prints it there."]
          : []),
      ]
    : [
        `NOT VALID: ${check.why}`,
        ...(check.fingerprint === undefined ? [] : [`It names the signer with fingerprint ${check.fingerprint}.`]),
      ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Certificates of destroyed keys are signed alike. */
function subjectOf(document: JsonObject | undefined): string {
  if (textMember(document, 'kind') !== 'shredCertificate') return 'The proof';
  return `The shred certificate (${textMember(document, 'status')})`;
}

function readProof(file: string): { readonly document?: unknown; readonly ambiguous?: string } {
  if (statSync(file).size > proofBytesMax) throw new UserError(`${file} is too long for a proof.`);
  try {
    return { document: parseSigned(readFileSync(file)) };
  } catch (error) {
    if (error instanceof Ambiguous) return { ambiguous: `${error.message} Others may read something else in it.` };
    if (!(error instanceof SyntaxError)) throw error;
    throw new UserError(`${file} is no JSON.`, "Give the file that 'kustody proof --json' wrote.");
  }
}

/** Who signs the proofs of a running instance: to be kept where the proofs are not. */
export async function showProofKey(options: {
  readonly data?: string;
  readonly signWith?: string;
  readonly json: boolean;
}): Promise<void> {
  const client = await requireInstance(dataDirectoryOf(options));
  const signer =
    options.signWith === undefined
      ? ((await client.call('GET', '/proof/key')) as ProofSigner)
      : await findVaultSigner(await client.environment(), options.signWith, new Set());
  const key = createPublicKey({ key: Buffer.from(signer.publicKey, 'base64'), format: 'der', type: 'spki' });
  const pem = key.export({ format: 'pem', type: 'spki' }).toString();
  process.stdout.write(
    options.json ? `${JSON.stringify(signer, undefined, 2)}\n` : `fingerprint ${signer.fingerprint}\n${pem}`,
  );
}
