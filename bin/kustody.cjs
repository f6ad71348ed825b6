#!/usr/bin/env node
// CommonJS on purpose: libuv reads UV_THREADPOOL_SIZE when its pool starts, which for an ES module entry is before
// the first line of that module runs.
'use strict';
process.env.UV_THREADPOOL_SIZE ??= '16';
const { pathToFileURL } = require('node:url');
const { join } = require('node:path');
const { existsSync } = require('node:fs');
const main = join(__dirname, '..', 'dist', 'main.js');
if (existsSync(main)) {
  import(pathToFileURL(main).href);
} else {
  console.error('kustody is not built yet. Run: npm run setup');
  process.exitCode = 1;
}
