#!/usr/bin/env node
// libuv reads UV_THREADPOOL_SIZE when its pool starts: nothing may come before this line that uses it.
'use strict';
process.env.UV_THREADPOOL_SIZE ??= '16';
const { join } = require('node:path');
const { existsSync } = require('node:fs');
const main = join(__dirname, '..', 'dist', 'main.cjs');
if (existsSync(main)) {
  require(main);
} else {
  console.error('kustody is not built yet. Run: npm run setup');
  process.exitCode = 1;
}
