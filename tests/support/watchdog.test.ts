import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

const url = new URL('watchdog.mjs', import.meta.url).href;
const watching = (then: string): string =>
  `import { watchdog } from '${url}'; const doing = watchdog(200); doing('the test'); setTimeout(() => { ${then} }, 20);`;
const node = (script: string) =>
  spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 60_000 });

it('a process whose event loop is held is ended by its watchdog, which says by what, even in native code', () => {
  for (const held of ['for (;;);', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);'])
    expect(node(watching(held))).toMatchObject({
      signal: 'SIGKILL',
      stderr: 'Ended, for the event loop was held for 200 ms by the test\n',
    });
});
