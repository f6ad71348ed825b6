import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kustody } from '../support/kustody-command.ts';

const clients = join(import.meta.dirname, '..', '..', '.cache', 'azure-cli', 'bin');
const browser = join(import.meta.dirname, '..', 'clients', 'azure-cli', 'browser.py');
const isInstalled = existsSync(join(clients, 'az'));
if (!isInstalled) console.warn('Skipped: no Azure CLI (scripts/python-clients.sh azure-cli installs it).');

/** Runs a script against a new Kustody as its user would type it; `show NAME COMMAND…` keeps what a command answers. */
async function answersOf(script: string): Promise<Readonly<Record<string, unknown>>> {
  const prelude = `set -euo pipefail; export PATH="${clients}:$PATH" AZURE_CORE_ONLY_SHOW_ERRORS=true
    show() { local name=$1; shift; printf '%s\\t' "$name"; "$@" -o json | tr -d '\\n'; echo; }
    refused() { local name=$1; shift; if "$@" >out 2>err; then cat out; exit 1; fi; printf '%s\\t"%s"\\n' "$name" "$(tr -d '\\n"' <err)"; }
    cd "$(mktemp -d)"`;
  const { code, stdout, stderr } = await kustody(['run', '--', 'bash', '-c', `${prelude}\n${script}`]);
  if (code !== 0) throw new Error(`the script ended with ${String(code)}: ${stdout}${stderr}`);
  const lines = stdout.split('\n').filter((line) => line.includes('\t'));
  return Object.fromEntries(lines.map((line) => [line.split('\t')[0] ?? '', JSON.parse(line.split('\t')[1] ?? '')]));
}

describe.skipIf(!isInstalled)('the Azure CLI, as it comes', { timeout: 600_000 }, () => {
  it('works as a service principal: names are looked up, others are made and given roles', async () => {
    const answers = await answersOf(`
      show login az login --service-principal -u "$AZURE_CLIENT_ID" -p "$AZURE_CLIENT_SECRET" -t "$AZURE_TENANT_ID"
      refused me az ad signed-in-user show
      az group create -n g -l eastus -o none
      show vault az keyvault create -n "kv$RANDOM$RANDOM" -g g -l eastus --enable-rbac-authorization false
      show made az ad sp create-for-rbac -n app --role Reader --scopes "/subscriptions/$AZURE_SUBSCRIPTION_ID"
      show given az role assignment create --assignee "$KUSTODY_USERNAME" --role Contributor --scope "/subscriptions/$AZURE_SUBSCRIPTION_ID/resourceGroups/g"
      show roles az role assignment list --all`);
    expect(answers['login']).toMatchObject([{ name: 'Kustody', isDefault: true }]);
    expect(answers['me']).toContain('/me request is only valid with delegated authentication flow.');
    expect(answers['vault']).toMatchObject({
      properties: { accessPolicies: [{ permissions: { keys: ['all'] } }] },
    });
    expect(answers['made']).toMatchObject({ displayName: 'app', password: expect.stringMatching(/~/) as string });
    expect(answers['given']).toMatchObject({ principalType: 'User' });
    const roles = answers['roles'] as readonly { principalName: string; roleDefinitionName: string }[];
    const { appId } = answers['made'] as { appId: string };
    expect(roles.map((role) => `${role.principalName} ${role.roleDefinitionName}`)).toEqual(
      expect.arrayContaining(['admin@kustody.onmicrosoft.com Contributor', `${appId} Reader`]) as unknown,
    );
  });

  it('signs a user in with a password, with a browser and with the code of a device', async () => {
    const answers = await answersOf(`
      show password az login -u "$KUSTODY_USERNAME" -p "$KUSTODY_PASSWORD"
      show me az ad signed-in-user show
      az ad group create --display-name team --mail-nickname team -o none
      az ad group member add -g team --member-id "$(az ad signed-in-user show --query id -o tsv)"
      show members az ad group member list -g team
      az account clear
      printf '#!/bin/sh\\nexec python "${browser}" "$1"\\n' >browser; chmod +x browser
      BROWSER="$PWD/browser %s &" DISPLAY=:0 show browser az login
      az account clear
      shown='code ([A-HJ-NP-Z2-9]{9}) to'
      enter() { while read -r line; do
        if [[ $line =~ $shown ]]; then
          python "${browser}" https://login.microsoft.com/device "\${BASH_REMATCH[1]}"
        fi
      done; }
      env -u AZURE_CORE_ONLY_SHOW_ERRORS az login --use-device-code -o none 2> >(enter)
      show device az account list`);
    const account = [{ name: 'Kustody', user: { name: 'admin@kustody.onmicrosoft.com', type: 'user' } }];
    for (const way of ['password', 'browser', 'device']) expect(answers[way]).toMatchObject(account);
    expect(answers['me']).toMatchObject({ userPrincipalName: 'admin@kustody.onmicrosoft.com' });
    expect(answers['members']).toMatchObject([{ userPrincipalName: 'admin@kustody.onmicrosoft.com' }]);
  });
});
