import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { kustody, temporaryDirectory } from '../support/kustody-command.ts';

const binaries = process.env['KUSTODY_TERRAFORM'];
if (binaries === undefined) console.warn('Skipped: KUSTODY_TERRAFORM names no directory with tofu and azurerm.');

it.skipIf(binaries === undefined)(
  'OpenTofu with azurerm applies a cluster under a key, finds nothing to change, and destroys it',
  { timeout: 900_000 },
  async () => {
    using directory = temporaryDirectory();
    const { path } = directory;
    cpSync(join(import.meta.dirname, '..', 'clients', 'terraform', 'main.tf'), join(path, 'main.tf'));
    const overrides = `dev_overrides { "hashicorp/azurerm" = "${binaries}" }`;
    writeFileSync(join(path, 'tofu.rc'), `provider_installation {\n  ${overrides}\n  direct {}\n}\n`);
    const script = `set -e; cd '${path}'; tofu() { '${binaries}/tofu' "$@"; }
      tofu apply -auto-approve -no-color; echo '== applied'
      kustody query --cluster "$(tofu output -raw cluster_uri)" --database Logs 'print Answer = 6 * 7'
      kustody check-keys; echo '== planned'
      code=0; ARM_METADATA_HOSTNAME=management.azure.com tofu plan -detailed-exitcode -no-color || code=$?; echo "code $code"; echo '== exported'
      mkdir exported; kustody export terraform --resource-group terraform --out exported/main.tf
      tofu -chdir=exported plan -no-color; echo '== destroyed'
      tofu destroy -auto-approve -no-color
      kustody status`;
    const { code, stdout, stderr } = await kustody(['run', '--', 'bash', '-c', script], {
      ...{ TF_CLI_CONFIG_FILE: join(path, 'tofu.rc'), CHECKPOINT_DISABLE: '1' },
    });
    expect(code, stdout + stderr).toBe(0);
    const [applied, asked, planned, exported, destroyed] = stdout.split(/^== .*$/m);
    expect(applied).toContain('Apply complete!');
    expect(asked).toMatch(/42[^]*cluster-key/);
    expect(planned).toMatch(/No changes\.[^]*code 0/);
    expect(exported).toContain('Plan: 10 to add, 0 to change, 0 to destroy.');
    expect(destroyed).toContain('Destroy complete!');
  },
);
