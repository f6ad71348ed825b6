// A program that has been given a managed identity in one way or another: prints what each credential of it can do.
import { DefaultAzureCredential, ManagedIdentityCredential, WorkloadIdentityCredential } from '@azure/identity';

const clientId = process.env.AZURE_CLIENT_ID ?? '';
const outcome = async (make) => {
  try {
    const { token } = await make().getToken('https://vault.azure.net/.default');
    return JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))
      .xms_mirid.split('/')
      .at(-1);
  } catch (error) {
    return error.message;
  }
};
console.log(
  JSON.stringify({
    default: await outcome(() => new DefaultAzureCredential()),
    managed: await outcome(() => new ManagedIdentityCredential({ clientId })),
    workload: await outcome(() => new WorkloadIdentityCredential()),
  }),
);
