// Of a run of ../shared/kql-real/run.mjs (its --out): every query that was not answered stands in vectors/kql/real-refused.json, with the reason.
//   node scripts/real-refusals.mjs results.json
import { readFileSync } from 'node:fs';

const read = (path) => JSON.parse(readFileSync(path, 'utf8'));
const { refused } = read(new URL('../vectors/kql/real-refused.json', import.meta.url));
const kinds = new Map(refused.map(({ id, kind }) => [id, kind]));
const { results } = read(process.argv[2]);
const unlisted = results.filter(({ id, bad }) => bad !== undefined && !kinds.has(id));
for (const { id, bad } of unlisted) console.log(`refused, and in no list: ${id} ${bad.message}`);
const answered = results.filter(({ id, bad }) => bad === undefined && kinds.get(id) === 'ours');
for (const { id } of answered) console.log(`answered, and still listed as a gap of ours: ${id}`);
console.log(`${results.length} queries, ${unlisted.length} of them refused without a reason`);
if (results.length === 0 || unlisted.length > 0) process.exitCode = 1;
