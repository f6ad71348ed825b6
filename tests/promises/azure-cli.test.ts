import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { azureCliFolder, hasAzureCli, startAzureCli } from '../support/azure-cli.ts';
import type { StartedCommand } from '../support/kustody-command.ts';
import { kustody, startKustody, temporaryDirectory } from '../support/kustody-command.ts';

const browser = join(import.meta.dirname, '..', 'clients', 'azure-cli', 'browser.py');
if (!hasAzureCli) console.warn('Skipped: no Azure CLI (scripts/python-clients.sh azure-cli installs it).');

const signIn =
  'az login --service-principal -u "$AZURE_CLIENT_ID" -p "$AZURE_CLIENT_SECRET" -t "$AZURE_TENANT_ID" -o none';

/** Of one Kustody for all tests, each with groups and names of its own; `signed-in` is of an Azure CLI that the own application is
 * signed in with, as `az` itself did; each test has a copy of it at `home`. */
const directory = temporaryDirectory();
const [signedIn, home] = [join(directory.path, 'signed-in'), join(directory.path, 'home')];
let server: StartedCommand | undefined;
let cli: Awaited<ReturnType<typeof startAzureCli>> | undefined;
const seededGroup = expect.arrayContaining([expect.objectContaining({ name: 'kustody' })]) as unknown;

async function run(script: string): Promise<string> {
  const prelude = `set -euo pipefail; export PATH="${azureCliFolder}:$PATH" AZURE_CORE_ONLY_SHOW_ERRORS=true`;
  const shell = ['bash', '-c', `${prelude}\n${script}`];
  const { code, stdout, stderr } = await kustody(['run', '--data', join(directory.path, 'data'), '--', ...shell]);
  if (code !== 0) throw new Error(`the script ended with ${String(code)}: ${stdout}${stderr}`);
  return stdout;
}

/** Runs a script as its user would type it, in a directory of its own; `show NAME COMMAND…` keeps what a command answers. */
async function answersOf(script: string): Promise<Readonly<Record<string, unknown>>> {
  const stdout = await run(`
    show() { local name=$1; shift; printf '%s\\t' "$name"; "$@" -o json | tr -d '\\n'; echo; }
    refused() { local name=$1; shift; if "$@" >out 2>err; then cat out; exit 1; fi; printf '%s\\t"%s"\\n' "$name" "$(tr -d '\\n"' <err)"; }
    ${cli?.bash ?? ''}
    rm -rf '${home}'; cp -r '${signedIn}' '${home}'; cd "$(mktemp -d -p '${directory.path}')"
    ${script}`);
  const lines = stdout.split('\n').filter((line) => line.includes('\t'));
  return Object.fromEntries(lines.map((line) => [line.split('\t')[0] ?? '', JSON.parse(line.split('\t')[1] ?? '')]));
}

/** Of the tenant: a group in the subscription that its parameter names. */
const schema = (scope: string) =>
  `https://schema.management.azure.com/schemas/2019-08-01/${scope}DeploymentTemplate.json#`;
const groupOfTenant = {
  ...{ $schema: schema('tenant'), contentVersion: '1.0.0.0', parameters: { subscription: { type: 'string' } } },
  resources: [
    {
      ...{ type: 'Microsoft.Resources/deployments', apiVersion: '2022-09-01', name: 'below', location: 'eastus' },
      subscriptionId: "[parameters('subscription')]",
      properties: {
        mode: 'Incremental',
        template: {
          ...{ $schema: schema('subscription'), contentVersion: '1.0.0.0' },
          resources: [
            {
              ...{ type: 'Microsoft.Resources/resourceGroups', apiVersion: '2022-09-01' },
              ...{ name: 'of-the-tenant', location: 'eastus' },
            },
          ],
        },
      },
    },
  ],
};

describe.skipIf(!hasAzureCli)('the Azure CLI, as it comes', { timeout: 600_000 }, () => {
  beforeAll(async () => {
    server = startKustody(['up', '--data', join(directory.path, 'data'), '--seed', '--log-level', 'silent']);
    await server.printed('Stop with');
    await run(`export AZURE_CONFIG_DIR="${signedIn}"; ${signIn}`);
    cli = await startAzureCli(home, join(directory.path, 'az.sock'));
  }, 600_000);
  afterAll(async () => {
    await cli?.close();
    server?.process.kill('SIGTERM');
    await server?.result;
    directory[Symbol.dispose]();
  });

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

  it('is told of the cloud by its resource manager', async () => {
    const answers = await answersOf(`
      az cloud register -n ours --endpoint-resource-manager https://management.azure.com
      az cloud set -n ours
      show cloud az cloud show
      ${signIn}
      show groups az group list`);
    expect(answers['cloud']).toMatchObject({
      ...{ name: 'ours', isActive: true, suffixes: { keyvaultDns: '.vault.azure.net' } },
      endpoints: {
        activeDirectory: 'https://login.microsoftonline.com',
        resourceManager: 'https://management.azure.com',
      },
    });
    expect(answers['groups']).toEqual(seededGroup);
  });

  it('mends what kustody doctor foretells, by the commands that it prints', async () => {
    const answers = await answersOf(
      `
      region=$(az resource list --resource-type Microsoft.Kusto/clusters --query "[0].location" -o tsv)
      vault="kv$RANDOM$RANDOM"
      az keyvault create -n "$vault" -g kustody -l "$region" --enable-rbac-authorization false -o none
      look() { kustody doctor --resource-group kustody --cluster kustody --vault "$vault" --key k --json || true; }
      told() { printf '%s\\t' "$1"; look | tr -d '\\n'; echo; }
      told before
      look | node -e 'for (const { mend } of JSON.parse(fs.readFileSync(0, "utf8")).expected) for (const { az } of mend) console.log(az)' >mends
      bash -e mends >/dev/null
      told after`,
    );
    const before = answers['before'] as { readonly expected: readonly { readonly code: string }[] };
    expect(before.expected.map(({ code }) => code)).toEqual([
      ...['IdentityDoesNotHaveAccessToKeyVault', 'KeyNotFound', 'KeyVaultNotPurgeProtected'],
    ]);
    expect(answers['after']).toMatchObject({ expected: [], notKnown: [] });
  });

  it('makes a custom role, gives it, and deletes it when nobody has it', async () => {
    const answers = await answersOf(`
      az group create -n read -l eastus -o none
      scope="/subscriptions/$AZURE_SUBSCRIPTION_ID"
      show made az role definition create --role-definition '{"Name": "Group Reader", "Description": "Reads groups.",
        "Actions": ["Microsoft.Resources/subscriptions/resourceGroups/read"], "AssignableScopes": ["'"$scope"'"]}'
      show listed az role definition list --custom-role-only
      show given az role assignment create --assignee "$KUSTODY_USERNAME" --role "Group Reader" --scope "$scope/resourceGroups/read"
      refused used az role definition delete -n "Group Reader" --scope "$scope"
      az role assignment delete --assignee "$KUSTODY_USERNAME" --role "Group Reader" --scope "$scope/resourceGroups/read"
      az role definition delete -n "Group Reader" --scope "$scope"
      show left az role definition list --custom-role-only`);
    expect(answers['made']).toMatchObject({ roleName: 'Group Reader', roleType: 'CustomRole' });
    expect(answers['listed']).toMatchObject([{ roleName: 'Group Reader', description: 'Reads groups.' }]);
    expect(answers['given']).toMatchObject({ principalType: 'User' });
    expect(answers['used']).toContain('RoleDefinitionHasAssignments');
    expect(answers['left']).toEqual([]);
  });

  it('elevates its administrator, who deploys to the tenant and gives that up again', async () => {
    const answers = await answersOf(`
      elevate() { az rest --method post --url "/providers/Microsoft.Authorization/elevateAccess?api-version=2016-07-01"; }
      held() { az role assignment list --assignee "$KUSTODY_USERNAME" --scope /; }
      refused application elevate
      az login -u "$KUSTODY_USERNAME" -p "$KUSTODY_PASSWORD" -o none
      refused before held
      elevate
      show elevated az role assignment list --role "User Access Administrator" --scope /
      echo ${Buffer.from(JSON.stringify(groupOfTenant)).toString('base64')} | base64 -d >t.json
      tenant() { az deployment tenant "$1" -n all -l eastus -f t.json -p subscription="$AZURE_SUBSCRIPTION_ID" "\${@:2}"; }
      refused early tenant validate
      show given az role assignment create --assignee "$KUSTODY_USERNAME" --role Owner --scope /
      show valid tenant validate
      show foretold tenant what-if --no-pretty-print
      show made tenant create
      show group az group show -n of-the-tenant
      show log az rest --url "/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01&\\$filter=eventTimestamp ge '$(date -u -d '1 hour ago' +%FT%TZ)'"
      az role assignment delete --assignee "$KUSTODY_USERNAME" --role Owner --scope /
      refused late tenant validate
      show left held
      az role assignment delete --assignee "$KUSTODY_USERNAME" --role "User Access Administrator" --scope /
      refused after held
      show subscription az role assignment list --assignee "$KUSTODY_USERNAME"`);
    for (const name of ['application', 'before', 'early', 'late', 'after'])
      expect(answers[name]).toContain('AuthorizationFailed');
    const elevated = { roleDefinitionName: 'User Access Administrator', principalType: 'User', scope: '/' };
    expect(answers['elevated']).toMatchObject([elevated]);
    expect(answers['given']).toMatchObject({ scope: '/' });
    expect(answers['valid']).toMatchObject({ properties: { provisioningState: 'Succeeded' } });
    expect(answers['foretold']).toMatchObject({ status: 'Succeeded', changes: [{ changeType: 'Create' }] });
    expect(answers['made']).toMatchObject({ properties: { provisioningState: 'Succeeded' } });
    expect(answers['group']).toMatchObject({ name: 'of-the-tenant' });
    expect(JSON.stringify(answers['log'])).toContain('Microsoft.Authorization/elevateAccess/action');
    expect(answers['left']).toMatchObject([elevated]);
    // What it had before is as it was.
    expect(answers['subscription']).toMatchObject([{ roleDefinitionName: 'Owner' }]);
  });

  it('reads the activity log: who did what, and when', async () => {
    const answers = await answersOf(`
      az group create -n other -l eastus -o none; az group create -n logged -l eastus -o none
      show group az monitor activity-log list -g logged
      show picked az monitor activity-log list --status Succeeded --start-time "$(date -u -d '1 hour ago' +%FT%TZ)" \\
        --select operationName status caller --max-events 3
      refused old az monitor activity-log list --start-time 2001-01-01`);
    expect(answers['group']).toMatchObject([
      { status: { value: 'Succeeded' }, authorization: { role: 'Owner' }, httpRequest: { method: 'PUT' } },
      {
        status: { value: 'Started' },
        operationName: { value: 'Microsoft.Resources/subscriptions/resourceGroups/write' },
      },
    ]);
    const picked = answers['picked'] as readonly { caller: string; status: { value: string } }[];
    expect(picked.map(({ status }) => status.value)).toEqual(['Succeeded', 'Succeeded', 'Succeeded']);
    expect(answers['old']).toContain('more than 90 days ago');
  });

  it('has what a vault is asked copied into a database by a diagnostic setting, and nothing of before', async () => {
    const rows = `AZKVAuditLogs | where OperationName == 'SecretSet' | summarize count() by Name = extract('secrets/([a-z]+)', 1, Id)`;
    const answers = await answersOf(
      `
      cluster=$(az resource list --resource-type Microsoft.Kusto/clusters --query "[0].id" -o tsv)
      vault=$(az keyvault create -n "kv$RANDOM$RANDOM" -g kustody -l eastus --enable-rbac-authorization false --query id -o tsv)
      wrote() { az keyvault secret set --vault-name "\${vault##*/}" -n "$1" --value v -o none; }
      wrote before
      show made az monitor diagnostic-settings create -n copy --resource "$vault" --workspace "$cluster/databases/db" \
        --logs '[{"category":"AuditEvent","enabled":true}]'
      show listed az monitor diagnostic-settings list --resource "$vault"
      show shown az monitor diagnostic-settings show -n copy --resource "$vault"
      wrote during
      until kustody query "${rows}" --format csv 2>err | grep during; do :; done >/dev/null
      az monitor diagnostic-settings delete -n copy --resource "$vault"
      refused gone az monitor diagnostic-settings show -n copy --resource "$vault"
      show left az monitor diagnostic-settings list --resource "$vault"
      printf 'rows\\t'; kustody query "${rows}" --format json | tr -d '\\n'; echo`,
    );
    const copy = { name: 'copy', logs: [{ category: 'AuditEvent', enabled: true }] };
    expect(answers['made']).toMatchObject(copy);
    expect(answers['shown']).toMatchObject(copy);
    expect(answers['listed']).toMatchObject([copy]);
    expect(answers['gone']).toContain('ResourceNotFound');
    expect(answers['left']).toEqual([]);
    expect(JSON.stringify(answers['rows'])).toContain('during');
    expect(JSON.stringify(answers['rows'])).not.toContain('before');
  });

  it('signs an application in with a certificate that it made, and with one that took its place', async () => {
    const answers = await answersOf(`
      az ad sp create-for-rbac -n certified --create-cert --role Reader --scopes "/subscriptions/$AZURE_SUBSCRIPTION_ID" >made
      id=$(python -c 'import json; print(json.load(open("made"))["appId"])')
      first=$(python -c 'import json; print(json.load(open("made"))["fileWithCertAndPrivateKey"])')
      enter() { az account clear; az login --service-principal -u "$id" --certificate "$1" -t "$AZURE_TENANT_ID"; }
      show first enter "$first"
      show groups az group list
      az account clear
      ${signIn}
      openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=second -keyout second.key -out second.crt 2>openssl.log
      cat second.key second.crt >second.pem
      az ad app credential reset --id "$id" --cert @second.crt -o none
      show keys az ad app credential list --id "$id" --cert
      show second enter second.pem
      refused gone enter "$first"`);
    expect(answers['first']).toMatchObject([{ name: 'Kustody' }]);
    expect(answers['groups']).toEqual(seededGroup);
    expect(answers['keys']).toMatchObject([{ type: 'AsymmetricX509Cert', displayName: 'CN=second' }]);
    expect(answers['second']).toMatchObject([{ name: 'Kustody' }]);
    expect(answers['gone']).toContain('AADSTS700027');
  });

  it('signs a user in with a password, with a browser and with the code of a device', async () => {
    const answers = await answersOf(`
      az account clear
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

  it('deploys a template with a key of the customer, again without a change, foretells and takes away', async () => {
    const answers = await answersOf(`
      cat >t.json <<'END'
${clusterTemplate}
END
      cat >i.json <<'END'
${identityTemplate}
END
      az group create -n deployed -l eastus -o none
      kv="kv$RANDOM$RANDOM"
      me=$(az deployment group create -g deployed -n i -f i.json --query properties.outputs.id.value -o tsv)
      az keyvault create -n "$kv" -g deployed -l eastus --enable-rbac-authorization false --enable-purge-protection true -o none
      az keyvault set-policy -n "$kv" -g deployed --object-id "$me" --key-permissions get wrapKey unwrapKey -o none
      az keyvault key create --vault-name "$kv" -n key --kty RSA -o none
      given="clusterName=adx$RANDOM vaultName=$kv"
      deployed() { az deployment group create -g deployed -n d -f t.json -p $given "$@"; }
      show foretold az deployment group what-if -g deployed -n d -f t.json -p $given --no-pretty-print
      show first deployed
      show again deployed
      show same az deployment group what-if -g deployed -n d -f t.json -p $given --no-pretty-print
      show operations az deployment operation group list -g deployed -n d
      show exported az deployment group export -g deployed -n d
      show group az group export -n deployed --skip-all-params
      show listed az deployment group list -g deployed
      show valid az deployment group validate -g deployed -n e -f t.json -p $given
      az deployment group delete -g deployed -n d -o none
      refused gone az deployment group show -g deployed -n d`);
    const changes = (name: string) =>
      (answers[name] as { changes: { changeType: string; resourceId: string }[] }).changes.map(
        ({ changeType, resourceId }) => `${changeType} ${resourceId.split('/').at(-2) ?? ''}`,
      );
    const beside = ['Ignore userAssignedIdentities', 'Ignore vaults'];
    expect(changes('foretold').toSorted()).toEqual(['Create clusters', 'Create databases', ...beside]);
    const uri = expect.stringMatching(/^https:\/\/adx\d+\.eastus\.kusto/) as string;
    for (const name of ['first', 'again']) {
      expect(answers[name], name).toMatchObject({
        properties: { provisioningState: 'Succeeded', outputs: { uri: { type: 'String', value: uri } } },
      });
    }
    expect(changes('same').toSorted()).toEqual([...beside, 'NoChange clusters', 'NoChange databases']);
    expect(answers['operations']).toHaveLength(3);
    expect(answers['exported']).toMatchObject({ contentVersion: '1.0.0.0' });
    const exported = (answers['group'] as { resources: { type: string }[] }).resources.map(({ type }) =>
      type.toLowerCase(),
    );
    const types = ['microsoft.kusto/clusters', 'microsoft.kusto/clusters/databases', 'microsoft.keyvault/vaults'];
    expect(exported).toEqual(expect.arrayContaining(types));
    expect(answers['listed']).toMatchObject([{ name: 'd' }, { name: 'i' }]);
    expect(answers['valid']).toMatchObject({ properties: { provisioningState: 'Succeeded', error: null } });
    expect(answers['gone']).toContain('DeploymentNotFound');
  });
});

const identityTemplate = `{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "resources": [
    {
      "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
      "apiVersion": "2023-01-31",
      "name": "id1",
      "location": "[resourceGroup().location]"
    }
  ],
  "outputs": { "id": { "type": "string", "value": "[reference('id1').principalId]" } }
}`;

/** As a user writes it: with comments. */
const clusterTemplate = `{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0", // of this file
  "parameters": {
    "clusterName": { "type": "string" },
    "vaultName": { "type": "string" }
  },
  "variables": { "identity": "[resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', 'id1')]" },
  "resources": [
    {
      "type": "Microsoft.Kusto/clusters", /* with a key of ours */
      "apiVersion": "2024-04-13",
      "name": "[parameters('clusterName')]",
      "location": "[resourceGroup().location]",
      "sku": { "name": "Dev(No SLA)_Standard_E2a_v4", "tier": "Basic", "capacity": 1 },
      "identity": { "type": "UserAssigned", "userAssignedIdentities": { "[variables('identity')]": {} } },
      "properties": {
        "keyVaultProperties": {
          "keyName": "key",
          "keyVersion": "",
          "keyVaultUri": "[reference(resourceId('Microsoft.KeyVault/vaults', parameters('vaultName')), '2023-07-01').vaultUri]",
          "userIdentity": "[variables('identity')]"
        }
      }
    },
    {
      "type": "Microsoft.Kusto/clusters/databases",
      "apiVersion": "2024-04-13",
      "name": "[concat(parameters('clusterName'), '/db')]",
      "location": "[resourceGroup().location]",
      "kind": "ReadWrite",
      "dependsOn": ["[resourceId('Microsoft.Kusto/clusters', parameters('clusterName'))]"],
      "properties": { "softDeletePeriod": "P7D", "hotCachePeriod": "P1D" }
    }
  ],
  "outputs": { "uri": { "type": "string", "value": "[reference(parameters('clusterName')).uri]" } }
}`;
