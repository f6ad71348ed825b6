// An ordinary program: @azure/identity as it comes, told nothing of where Entra ID is.
import { ClientCertificateCredential } from '@azure/identity';

const [tenant, clientId, certificatePath, otherPath] = process.argv.slice(2);

async function outcome(run) {
  try {
    return await run();
  } catch (error) {
    return { message: error.message };
  }
}

const credential = new ClientCertificateCredential(tenant, clientId, certificatePath);
const withChain = new ClientCertificateCredential(tenant, clientId, certificatePath, { sendCertificateChain: true });
const other = new ClientCertificateCredential(tenant, clientId, otherPath);
const answers = {
  vault: await outcome(() => credential.getToken('https://vault.azure.net/.default')),
  // The client sends the assertion that it has already.
  arm: await outcome(() => credential.getToken('https://management.azure.com/.default')),
  chain: await outcome(() => withChain.getToken('https://vault.azure.net/.default')),
  other: await outcome(() => other.getToken('https://vault.azure.net/.default')),
};
console.log(JSON.stringify(answers));
