// A service in the middle: @azure/identity as it comes, told nothing of where Entra ID is.
import { OnBehalfOfCredential } from '@azure/identity';

const [tenantId, clientId, clientSecret, ...userTokens] = process.argv.slice(2);
const outcomes = [];
for (const userAssertionToken of userTokens) {
  const credential = new OnBehalfOfCredential({ tenantId, clientId, clientSecret, userAssertionToken });
  try {
    outcomes.push({ token: (await credential.getToken('https://vault.azure.net/.default')).token });
  } catch (error) {
    outcomes.push({ message: error.message });
  }
}
console.log(JSON.stringify(outcomes));
