import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Yaml from 'yaml';
import { SeedFilesError } from '../seed-error.ts';
import { checkNames } from './check-names.ts';
import { checkShape } from './check-shape.ts';
import type { PlanPath, SeedDocument } from './schema.ts';
import { seedPlanSchema } from './schema.ts';

export const seedPlanName = 'kustody.yaml';

/** What `kustody.yaml` of a directory says, checked as far as it can be without a server. */
export interface SeedPlan {
  readonly document: SeedDocument;
  /** `kustody.yaml:12: clusters[0].key.vault`: where it says so. What is not there is at what encloses it. */
  place(path: PlanPath): string;
}

export const seedPlanBytesMax = 256 * 1024;

/** @throws SeedFilesError that names file, line and path of what is wrong */
export function readSeedPlan(directory: string): SeedPlan {
  return parseSeedPlan(readLimited(join(directory, seedPlanName)));
}

/** @throws SeedFilesError */
export function parseSeedPlan(text: string): SeedPlan {
  // Only here: most commands do not need it.
  const { LineCounter, parseDocument, isMap, isSeq, isNode, isPair, isScalar } = createRequire(import.meta.url)(
    'yaml',
  ) as typeof Yaml;
  const lines = new LineCounter();
  const refuse = (offset: number, message: string): SeedFilesError =>
    new SeedFilesError(`${seedPlanName}:${lines.linePos(offset).line}: ${message}`);
  const { document, value } = parsed();
  const offsetOf = (path: PlanPath): number => {
    let node: unknown = document.contents;
    let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
    for (const step of path) {
      const pairs = isMap(node) ? node.items : [];
      const pair = pairs.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      const found: unknown = pair ?? (isSeq(node) ? node.items[Number(step)] : undefined);
      const named: unknown = isPair(found) ? found.key : found;
      if (!isNode(named)) return offset;
      offset = named.range?.[0] ?? offset;
      node = isPair(found) ? found.value : found;
    }
    return offset;
  };
  const place = (path: PlanPath): string => `${seedPlanName}:${lines.linePos(offsetOf(path)).line}: ${pathText(path)}`;
  const problem = (path: PlanPath, message: string): SeedFilesError =>
    new SeedFilesError(path.length === 0 ? refuse(offsetOf(path), message).message : `${place(path)}: ${message}`);
  checkShape(seedPlanSchema, value, problem);
  checkNames(value, problem);
  return { document: value, place };

  function parsed(): { readonly document: Yaml.Document; readonly value: unknown } {
    try {
      const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
      const [wrong] = [...document.errors, ...document.warnings];
      if (wrong !== undefined) throw refuse(wrong.pos[0], wrong.message);
      return { document, value: (document.toJS({ maxAliasCount: 0 }) as unknown) ?? {} };
    } catch (error) {
      if (error instanceof SeedFilesError) throw error;
      const why = error instanceof ReferenceError ? 'aliases are not taken' : 'it cannot be read as YAML';
      throw new SeedFilesError(`${seedPlanName}: ${why}.`);
    }
  }
}

/** `clusters[0].key.vault` */
const pathText = (path: PlanPath): string =>
  path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');

/** Never more than may be there, whatever the file is. */
function readLimited(path: string): string {
  const descriptor = openSync(path, 'r');
  try {
    if (!fstatSync(descriptor).isFile()) throw new SeedFilesError(`${seedPlanName}: is no file.`);
    const buffer = Buffer.alloc(seedPlanBytesMax + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read)
      read = readSync(descriptor, buffer, length, buffer.length - length, null);
    if (length > seedPlanBytesMax)
      throw new SeedFilesError(`${seedPlanName}: has more than ${seedPlanBytesMax} bytes.`);
    return buffer.toString('utf8', 0, length);
  } finally {
    closeSync(descriptor);
  }
}
