// Which requests real Azure was recorded answering, each shape once: what docs/operations.md calls recorded.
//   node scripts/recorded-operations.mjs [--recordings DIR] [--write]
// Without --write: exit status 1 when vectors/fidelity/recorded-operations.json does not say what the recordings say.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { shapeOf } from './fidelity/request-shape.mjs';
import { prepareRecordings } from './recordings.mjs';

const root = join(import.meta.dirname, '..');
const { values: options } = parseArgs({
  options: {
    recordings: { type: 'string', default: join(root, '..', 'shared', 'recordings') },
    write: { type: 'boolean', default: false },
  },
});
const file = join(root, 'vectors/fidelity/recorded-operations.json');
const { notHere } = JSON.parse(readFileSync(join(root, 'vectors/fidelity/differences.json'), 'utf8'));

const prepared = mkdtempSync(join(tmpdir(), 'kustody-recordings-'));
process.on('exit', () => rmSync(prepared, { recursive: true, force: true }));
prepareRecordings(resolve(options.recordings), prepared, notHere);

const versions = new Map();
for (const name of readdirSync(prepared)) {
  const { pairs } = JSON.parse(gunzipSync(readFileSync(join(prepared, name))));
  for (const { method, url } of pairs) {
    const shape = url === undefined || url === '' ? undefined : shapeOf(method, url);
    if (shape === undefined) continue;
    const key = `${shape.method} ${shape.service} ${shape.path}`;
    versions.set(key, new Set([...(versions.get(key) ?? []), shape.apiVersion].filter((version) => version !== '')));
  }
}
const found = Object.fromEntries(
  [...versions].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, seen]) => [key, [...seen].toSorted()]),
);
const text = `${JSON.stringify(found, undefined, 2)}\n`;
if (options.write) writeFileSync(file, text);
const committed = JSON.parse(readFileSync(file, 'utf8'));
const differing = [...new Set([...Object.keys(found), ...Object.keys(committed)])].filter(
  (key) => JSON.stringify(found[key]) !== JSON.stringify(committed[key]),
);
for (const key of differing) {
  console.log(`${key}: recorded ${String(found[key] ?? 'never')}, in the file ${String(committed[key] ?? 'never')}`);
}
console.log(`${Object.keys(found).length} recorded requests, ${differing.length} differ from the file`);
if (differing.length > 0) process.exitCode = 1;
