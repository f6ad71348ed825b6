// Bundles the entry points into dist/ (which is not emptied: a running Kustody may still load its parts from there; `--only` removes
// what this build has not written, for the package). Packages with native parts stay outside the bundles.
import { build, transform } from 'esbuild';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { recordBuild } from './built-from.mjs';
import { licences } from './licences.mjs';

const startedMs = Date.now();
const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
/** Names below dist/, the sources that went into bundles there, and what else was read. */
const written = new Set();
const bundled = new Set();
const scripts = ['build.mjs', 'built-from.mjs', 'licences.mjs'].map((name) => join('scripts', name));
const read = new Set(['package.json', 'package-lock.json', 'tsconfig.json', ...scripts]);
const common = {
  absWorkingDir: root,
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node20',
  define: { builtAsCommonJs: 'false' },
  legalComments: 'none',
  minifyWhitespace: true,
  external: ['libsql', '@duckdb/node-api', 'pg', 'pino', 'uap-core'],
  logLevel: 'warning',
  metafile: true,
};
/** Packages that stay outside are CommonJS. Imported, Node reads the text of each of their files once more to find what it exports;
 * required, it does not, which is a third of the time until a cluster's process is there. */
const requiredApart = {
  name: 'required-apart',
  setup(build) {
    const named = new Set(common.external);
    build.onResolve({ filter: /^[^.]/ }, ({ path, kind }) => {
      if (!named.has(path)) return undefined;
      return kind === 'require-call' ? { path, external: true } : { path, namespace: 'required' };
    });
    build.onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)})`,
    }));
  },
};
/** The server is one file, which the entry points load. */
const serverApart = {
  name: 'server-apart',
  setup(build) {
    build.onResolve({ filter: /\/start\.ts$/ }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: './start.cjs', external: true },
    );
  },
};
/** The engine's package without its native part, which is found as that package finds it. */
const nativeApart = {
  name: 'native-apart',
  setup(build) {
    const path = '@duckdb/node-bindings';
    build.onResolve({ filter: /^@duckdb\/node-bindings$/ }, () => ({ path, namespace: 'native' }));
    build.onLoad({ filter: /.*/, namespace: 'native' }, () => ({
      contents: `const { createRequire } = require('node:module');
        module.exports = createRequire(createRequire(__filename).resolve('@duckdb/node-api'))('${path}');`,
    }));
  },
};
const fileUrl = "const kustodyFileUrl = require('node:url').pathToFileURL(__filename).href;";
const asScript = {
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  define: { 'import.meta.dirname': '__dirname', 'import.meta.url': 'kustodyFileUrl', builtAsCommonJs: 'true' },
};
const asCommonJs = {
  ...asScript,
  plugins: [serverApart],
  // Blobs in a container are no setting of the test library: it need not carry the SDK a second time.
  external: [...common.external, '@azure/storage-blob'],
  banner: { js: fileUrl },
};
const testingEntries = {
  testing: 'src/testing/testing.ts',
  jest: 'src/testing/jest.ts',
  'jest-teardown': 'src/testing/jest-teardown.ts',
  'runner-setup': 'src/testing/runner-setup.ts',
};
const language = copyLanguage();

await bundle({
  entryPoints: {
    article: 'src/cli/article/main.ts',
    ...testingEntries,
    vitest: 'src/testing/vitest.ts',
    'kql-process': 'src/kql/parser/process/main.ts',
    'scan-process': 'src/server/scan-process.ts',
    'rsa-thread': 'src/vault/rsa/rsa-thread.ts',
    'template-thread': 'src/templates/thread/template-thread.ts',
    'engine-thread': 'src/kql/threads/engine-thread.ts',
    'function-thread': 'src/kql/threads/function-thread.ts',
  },
  plugins: [requiredApart],
  splitting: true,
  format: 'esm',
  // Bundled CommonJS packages call require(): an ES module has none of its own.
  banner: {
    js: "import { createRequire as kustodyCreateRequire } from 'node:module'; const require = kustodyCreateRequire(import.meta.url);",
  },
});
// Programs in one file each, whose compiled functions are kept (src/base/compiled-program.ts): a function that the launcher calls, begun
// by the digest that it is known by.
const asProgram = {
  ...asScript,
  supported: { 'dynamic-import': false },
  minifySyntax: true,
  banner: { js: `(function (exports, require, module, __filename, __dirname) {'use strict';${fileUrl}` },
  footer: { js: '})' },
};
// The command, in two programs: what every command loads, and the rest of it, the server and all that it needs.
await bundleInTwo('kustody-program', 'kustody-rest', 'src/cli/program/main.ts');
await bundle({
  ...asScript,
  entryPoints: { main: 'src/cli/program/launch.ts', 'kustody-code': 'src/cli/program/make-code.ts' },
});
// The process of a cluster. The engine's package goes in, save its native part.
await bundle({
  ...asProgram,
  entryPoints: { 'cluster-program': 'src/cluster/process/main.ts' },
  plugins: [nativeApart],
  external: common.external.filter((name) => name !== '@duckdb/node-api' && name !== 'pino'),
  // The vaults' client asks whether a body is a form, for which Node.js would load all of its `fetch`.
  define: { ...asScript.define, FormData: 'undefined' },
});
beginWithDigest('cluster-program.cjs');
await bundle({ ...asScript, entryPoints: { 'cluster-process': 'src/cluster/process/launch.ts' } });
// The parser as a script for `node --build-snapshot`, which takes one file and built-in modules only. A snapshot is known by the text of
// this script, so the text names the parser, too.
await bundle({
  entryPoints: { 'kql-snapshot': 'src/kql/parser/process/snapshot.ts' },
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  banner: { js: `// Official parser: ${language}` },
});
// The test library once more, for programs that call require().
await bundle({ ...asCommonJs, entryPoints: { ...testingEntries, start: 'src/testing/start.ts' } });
writeTypes();
write('built-at.txt', `${new Date().toISOString()}\n`);
write('LICENCES.txt', licences(root, bundled, ['@kusto/language-service-next']));
if (process.argv.includes('--only')) removeOthers();
recordBuild(root, [...read, ...bundled, ...[...written].map((name) => join('dist', name))], startedMs);

async function bundle(options) {
  const { metafile } = await build({ ...common, ...options });
  for (const [file, { inputs }] of Object.entries(metafile.outputs)) {
    written.add(relative(dist, join(root, file)));
    for (const input of Object.keys(inputs)) bundled.add(input);
  }
}

/** Writes what is loaded when the program starts to one file, and what it imports later to another: each a function that gives the parts in
 * it by their names, which `src/base/program-parts.ts` runs. So a start that needs the first file alone does not read the other. */
async function bundleInTwo(first, rest, entry) {
  const { banner, footer, supported, ...shape } = asProgram;
  const options = {
    ...shape,
    format: 'esm',
    outExtension: {},
    splitting: true,
    write: false,
    entryPoints: { [first]: entry },
  };
  const { outputFiles, metafile } = await build({ ...common, ...options });
  const outputs = Object.entries(metafile.outputs);
  for (const [, { inputs }] of outputs) for (const input of Object.keys(inputs)) bundled.add(input);
  const atStart = new Set([join('dist', `${first}.js`)]);
  for (const name of atStart)
    for (const { path, kind, external } of metafile.outputs[name].imports)
      if (kind === 'import-statement' && external !== true) atStart.add(path);
  const { minifySyntax, minifyWhitespace, platform, target } = { ...common, ...asProgram };
  const texts = { [first]: '', [rest]: '' };
  for (const { path, text } of outputFiles) {
    const name = relative(root, path);
    const asFunction = { format: 'cjs', supported, minifySyntax, minifyWhitespace, platform, target };
    const { code } = await transform(text, asFunction);
    texts[atStart.has(name) ? first : rest] += `'./${relative(dist, path)}'(exports, require, module) {${code}},\n`;
  }
  for (const [name, text] of Object.entries(texts)) {
    write(`${name}.cjs`, `${banner.js}module.exports = {__proto__: null,\n${text}}${footer.js}`);
    beginWithDigest(`${name}.cjs`);
  }
}

/** Public types stand in files that import from packages and from each other only. A package that the user does not have is no error. */
function writeTypes() {
  const folder = join('src', 'testing');
  const types = join(folder, 'types');
  const files = [
    ...['public', 'shared-public'].map((name) => [name, join(folder, `${name}.ts`)]),
    ...readdirSync(join(root, types)).map((file) => [file.replace('.d.ts', ''), join(types, file)]),
  ];
  read.add(types);
  for (const [name, file] of files) {
    read.add(file);
    const text = readFileSync(join(root, file), 'utf8').replaceAll(
      /^import type .* from '(?!node:|\.)/gm,
      '// @ts-ignore\n$&',
    );
    const withModules = (extension) => text.replaceAll(/'\.{1,2}\/([\w-]+)\.ts'/g, `'./$1${extension}'`);
    write(`${name}.d.ts`, withModules('.js'));
    write(`${name}.d.cts`, withModules('.cjs'));
  }
}

function beginWithDigest(name) {
  const text = readFileSync(join(dist, name), 'utf8');
  const digest = createHash('sha256').update(text).digest('hex');
  writeFileSync(join(dist, name), `// ${digest}\n${text}`);
}

function write(name, text) {
  written.add(name);
  writeFileSync(join(dist, name), text);
}

/** Of the 31 MB of the package two files are used. @returns the digest of both */
function copyLanguage() {
  const digest = createHash('sha256');
  mkdirSync(join(dist, 'kusto-language'), { recursive: true });
  // They are scripts, in a package of modules.
  write(join('kusto-language', 'package.json'), '{ "type": "commonjs" }\n');
  for (const file of ['bridge.min.js', 'Kusto.Language.Bridge.min.js']) {
    const name = join('node_modules', '@kusto', 'language-service-next', file);
    const source = join(root, name);
    read.add(name);
    digest.update(readFileSync(source));
    copyFileSync(source, join(dist, 'kusto-language', file));
    written.add(join('kusto-language', file));
  }
  return digest.digest('hex');
}

function removeOthers() {
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const name = relative(dist, join(entry.parentPath, entry.name));
    const isWritten = written.has(name) || [...written].some((file) => dirname(file) === name);
    if (!isWritten) rmSync(join(dist, name), { recursive: true, force: true });
  }
}
