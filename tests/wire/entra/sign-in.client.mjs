// An ordinary program: @azure/identity and MSAL as they come, told nothing of where Entra ID is.
import { ClientSecretCredential } from '@azure/identity';
import { request } from 'node:https';
import { createRequire } from 'node:module';

const { ConfidentialClientApplication } = createRequire(import.meta.resolve('@azure/identity'))('@azure/msal-node');
const asked = JSON.parse(process.argv[2]);

/** Stands in for a hosts file: real names, our port. */
function send(method, url, { headers, body } = {}) {
  const { hostname, pathname, search } = new URL(url);
  const target = { host: '127.0.0.1', port: process.env.EDGE_PORT, servername: hostname, path: pathname + search };
  return new Promise((resolve, reject) => {
    const sent = request({ ...target, method, headers: { ...headers, host: hostname } }, (response) => {
      let text = '';
      response.on('data', (piece) => (text += piece));
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: JSON.parse(text) }),
      );
    });
    sent.on('error', reject).end(body);
  });
}
const networkClient = {
  sendGetRequestAsync: (url, options) => send('GET', url, options),
  sendPostRequestAsync: (url, options) => send('POST', url, options),
};

async function outcome(run) {
  try {
    return await run();
  } catch (error) {
    return {
      error: error.name,
      code: error.errorCode ?? error.errorResponse?.error,
      message: error.message,
      response: error.errorResponse,
    };
  }
}

const answers = [];
for (const { client, tenant, clientId, secret, scope } of asked) {
  answers.push(
    await outcome(async () => {
      if (client === 'msal') {
        const app = new ConfidentialClientApplication({
          auth: { clientId, clientSecret: secret, authority: `https://login.microsoftonline.com/${tenant}` },
          system: { networkClient },
        });
        const result = await app.acquireTokenByClientCredential({ scopes: [scope] });
        return { token: result.accessToken, expiresOn: result.expiresOn.getTime() };
      }
      const credential = new ClientSecretCredential(tenant, clientId, secret);
      const { token, expiresOnTimestamp } = await credential.getToken(scope);
      return { token, expiresOn: expiresOnTimestamp };
    }),
  );
}
console.log(JSON.stringify(answers));
