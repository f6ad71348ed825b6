// Starts a bundle that many processes run one after the other: node cached-start.cjs BUNDLE [ARGUMENT…]. The first that comes to its end
// leaves beside the bundle what V8 compiled of it, and the next ones do not compile that again.
'use strict';
const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { dirname } = require('node:path');
const vm = require('node:vm');

const [, , bundle, ...rest] = process.argv;
process.argv = [process.argv[0], bundle, ...rest];
const cache = `${bundle}.cache`;
const cachedData = compiled();
const script = new vm.Script(`(function (require, __filename, __dirname) {${readFileSync(bundle, 'utf8')}\n})`, {
  filename: bundle,
  importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  ...(cachedData === undefined ? {} : { cachedData }),
});
if (cachedData === undefined)
  process.on('exit', () => {
    const draft = `${cache}.${process.pid}`;
    writeFileSync(draft, script.createCachedData());
    renameSync(draft, cache);
  });
script.runInThisContext()(createRequire(bundle), bundle, dirname(bundle));

function compiled() {
  try {
    return readFileSync(cache);
  } catch {
    return undefined; // the first
  }
}
