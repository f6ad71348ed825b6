import type { Agent } from 'node:https';
import { createDefaultHttpClient } from '@azure/core-rest-pipeline';
import type { HttpClient } from '@azure/core-rest-pipeline';

/** The SDKs' own client, with its connections led to our edge; proxies of the environment do not count. */
export function edgeHttpClient(agent: Agent): HttpClient {
  const client = createDefaultHttpClient();
  return {
    sendRequest: (request) => {
      request.agent = agent;
      delete request.proxySettings;
      return client.sendRequest(request);
    },
  };
}
