// Moves the root key of a directory into a vault, to another version of the vault's key, or back, and is killed before a durable step:
// node moving-root-key.cjs DIRECTORY STEP VAULT GIVEN. VAULT is a directory of key versions, GIVEN the keys in JSON. Prints what its steps were.
import { DurableSteps } from './durable-steps.ts';
import { FileVault } from './file-vault.ts';
import type { GivenKeys } from './wrapped-keys.ts';
import { moveRootKey } from './wrapped-keys.ts';

const [dataDirectory = '', killAt = '0', vault = '', given = '{}'] = process.argv.slice(2);
const steps = new DurableSteps(dataDirectory, Number(killAt));
void steps
  .during(() => moveRootKey(new FileVault(vault, []), dataDirectory, JSON.parse(given) as GivenKeys))
  .then(() => process.stdout.write(JSON.stringify(steps.kinds)));
