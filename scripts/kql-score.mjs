// Scores the KQL engine, without the wire, against conformance cases.
//   node scripts/kql-score.mjs --dir DIR [--failures FILE] [--only REGEX] [--engine-only] [--sql] [--query TEXT] [--geoip-database FILE]
// DIR holds `*-cases*.json` and compare.mjs. A developer's tool: no part of the product.
import { build } from 'esbuild';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const arg = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
};
const root = path.join(import.meta.dirname, '..');
const out = fs.mkdtempSync(path.join(root, 'node_modules', '.kql-score-'));
process.on('exit', () => fs.rmSync(out, { recursive: true, force: true }));
await build({
  absWorkingDir: root,
  entryPoints: { process: 'src/kql/parser/process/main.ts', bench: 'src/kql/testing/local-engine.ts' },
  outdir: out,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
  external: ['@duckdb/node-api', '@kusto/language-service-next'],
});
const { openLocalEngine } = await import(pathToFileURL(path.join(out, 'bench.js')).href);
const geoipDatabase = arg('geoip-database');
const engine = await openLocalEngine(path.join(out, 'process.js'), geoipDatabase ? { geoipDatabase } : {});

async function run(text) {
  try {
    return { tables: await engine.run(text) };
  } catch (error) {
    return {
      error: `${error.code ?? error.name}: ${error.message}${error.position === undefined ? '' : ` @${error.position}`}${error.cause ? ` << ${error.cause.message}` : ''}`,
    };
  }
}
if (arg('query')) {
  const result = await run(arg('query'));
  console.log(
    result.error ??
      result.tables
        .map(
          (table) =>
            `${table.name} ${JSON.stringify(table.columns.map((c) => `${c.name}:${c.type}`))}\n${table.rows.map((row) => JSON.stringify(row)).join('\n')}`,
        )
        .join('\n'),
  );
  engine.close();
  process.exit(0);
}
const dir = arg('dir');
const { compare } = await import(pathToFileURL(path.join(dir, 'compare.mjs')).href);
const only = arg('only') && new RegExp(arg('only'));
const unsure =
  /^(nondeterministic|engine-differs|parser|ml-plugin|expression-only|external|cross-database|whole-database|image|maybe-multi-query|ragged|header-separator|cell-ellipsis|approximate-aggregate|take-unordered|may-vary|skipped-upstream|query-from-link|command)/;
const failures = [];
let good = 0,
  all = 0,
  wrong = 0;
const times = [];
for (const file of fs
  .readdirSync(dir)
  .filter((name) => /-cases\..*json$/.test(name))
  .sort()) {
  if (process.argv.includes('--engine-only') && !/^(engine|recorded)/.test(file)) continue;
  const cases = JSON.parse(fs.readFileSync(path.join(dir, file), 'utf8'))
    .filter((c) => c.class === 'self-contained' && !c.flags.some((flag) => unsure.test(flag)) && c.expected)
    .filter((c) => !only || only.test(c.id) || only.test(c.query));
  let ok = 0;
  for (const c of cases) {
    const started = performance.now();
    const result = await run(c.query);
    times.push(performance.now() - started);
    let best;
    for (const actual of result.tables ?? [{ error: result.error }]) {
      const verdict = compare(actual, c.expected, { query: c.query });
      if (!best || verdict.match) best = verdict;
      if (verdict.match) break;
    }
    if (best?.match) ok += 1;
    else {
      if (!result.error) wrong += 1;
      failures.push({
        id: c.id,
        query: c.query,
        reasons: best?.reasons,
        error: result.error,
        expected: c.expected,
        actual: result.tables?.map((t) => t.rows.slice(0, 8)),
      });
    }
  }
  console.log(`${file.padEnd(34)} ${ok} of ${cases.length}  ${((100 * ok) / (cases.length || 1)).toFixed(1)} %`);
  good += ok;
  all += cases.length;
}
const kinds = {};
for (const f of failures) {
  const kind = f.error
    ? f.error
        .replace(/@\d+/, '@')
        .replace(/\d+/g, 'N')
        .slice(0, Number(arg('width', 130)))
    : `WRONG ${String(f.reasons?.[0]).split(':')[0]}`;
  kinds[kind] = (kinds[kind] ?? 0) + 1;
}
for (const [kind, count] of Object.entries(kinds)
  .sort((a, b) => b[1] - a[1])
  .slice(0, Number(arg('top', 40))))
  console.log(String(count).padStart(5), kind);
times.sort((a, b) => a - b);
console.log(
  `p50 ${times[times.length >> 1]?.toFixed(1)} ms, p99 ${times[Math.floor(times.length * 0.99)]?.toFixed(1)} ms; wrong answers ${wrong}; score ${good} of ${all} = ${((100 * good) / (all || 1)).toFixed(2)} %`,
);
if (arg('failures')) fs.writeFileSync(arg('failures'), failures.map((f) => JSON.stringify(f)).join('\n'));
engine.close();
process.exit(0);
