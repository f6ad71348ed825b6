// An ordinary program: @azure/identity as it comes, told nothing of where Entra ID is.
import { readFile } from 'node:fs/promises';
import { ClientAssertionCredential, DefaultAzureCredential, WorkloadIdentityCredential } from '@azure/identity';

const [tenantId, clientId, tokenFilePath, otherFile] = process.argv.slice(2);
const scope = 'https://vault.azure.net/.default';

async function outcome(credential) {
  try {
    return { token: (await credential.getToken(scope)).token };
  } catch (error) {
    return { message: error.message };
  }
}

const read = (file) => () => readFile(file, 'utf8');
// As a pod of AKS is told of its identity.
const variables = {
  AZURE_TENANT_ID: tenantId,
  AZURE_CLIENT_ID: clientId,
  AZURE_FEDERATED_TOKEN_FILE: tokenFilePath,
  AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.com/',
};
Object.assign(process.env, variables);
console.log(
  JSON.stringify({
    workload: await outcome(new WorkloadIdentityCredential()),
    default: await outcome(new DefaultAzureCredential()),
    assertion: await outcome(new ClientAssertionCredential(tenantId, clientId, read(tokenFilePath))),
    other: await outcome(new ClientAssertionCredential(tenantId, clientId, read(otherFile))),
  }),
);
