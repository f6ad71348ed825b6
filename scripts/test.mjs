// npm test: of what takes long some, drawn anew each time. KUSTODY_CASES=all has all of it, as in CI.
process.env.KUSTODY_CASES ??= 'few';
process.argv.splice(2, 0, 'run');
await import('../node_modules/vitest/vitest.mjs');
