const assertionPage =
  'Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .';

const configuredKeys = (appId: string): string =>
  `Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '${appId}'. Review the documentation at https://docs.microsoft.com/en-us/graph/deployments to determine the corresponding service endpoint and https://docs.microsoft.com/en-us/graph/api/application-get?view=graph-rest-1.0&tabs=http to build a query request URL, such as 'https://graph.microsoft.com/beta/applications/${appId}'`;

const noRecord = 'No matching federated identity record found for presented assertion';
const checkRecord =
  'Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation';

/** What is wrong with a token by which a client means to prove itself: rows of `entraErrors`.
 * @see "Certificate credentials"; answers quoted in public issue trackers */
export const assertionErrors = {
  AssertionMalformed: {
    code: 50027,
    status: 400,
    error: 'invalid_request',
    text: () => 'JWT token is invalid or malformed.',
  },
  AssertionAlgorithm: {
    code: 5002738,
    status: 401,
    error: 'invalid_client',
    text: (algorithm: string, supported: string) =>
      `Invalid JWT token. '${algorithm}' is not a supported signature algorithm. Supported signing algorithms are: '${supported}'`,
  },
  AssertionWithoutKey: {
    code: 5002723,
    status: 401,
    error: 'invalid_client',
    text: () =>
      'Invalid JWT token. No certificate SHA-1 thumbprint, certificate SHA-256 thumbprint, nor keyId specified in token header.',
  },
  AssertionKeyNotFound: {
    code: 700027,
    status: 401,
    error: 'invalid_client',
    text: (thumbprint: string, appId: string) =>
      `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '${thumbprint}', ${configuredKeys(appId)}].`,
  },
  AssertionKeyExpired: {
    code: 700027,
    status: 401,
    error: 'invalid_client',
    text: (thumbprint: string, found: string, appId: string) =>
      `Client assertion failed signature validation. [Reason - The key used is expired., Thumbprint of key used by client: '${thumbprint}', Found key '${found}', ${configuredKeys(appId)}].`,
  },
  AssertionSignature: {
    code: 700027,
    status: 401,
    error: 'invalid_client',
    text: (thumbprint: string, found: string, appId: string) =>
      `Client assertion failed signature validation. [Reason - Key was found, but use of the key to verify the signature failed., Thumbprint of key used by client: '${thumbprint}', Found key '${found}', ${configuredKeys(appId)}].`,
  },
  AssertionOutOfTime: {
    code: 700024,
    status: 401,
    error: 'invalid_client',
    text: (now: string, notBefore: string, expires: string) =>
      `Client assertion is not within its valid time range. Current time: ${now}, assertion valid from ${notBefore}, expiry time of assertion ${expires}. ${assertionPage}`,
  },
  AssertionOfAnother: {
    code: 700021,
    status: 401,
    error: 'invalid_client',
    text: () => `Client assertion application identifier doesn't match 'client_id' parameter. ${assertionPage}`,
  },
  AssertionAudience: {
    code: 700023,
    status: 401,
    error: 'invalid_client',
    text: () => `Client assertion audience claim does not match Realm issuer. ${assertionPage}`,
  },
  FederationMissing: {
    code: 70025,
    status: 401,
    error: 'invalid_client',
    text: (clientId: string, name: string) =>
      `The client '${clientId}'(${name}) has no configured federated identity credentials.`,
  },
  FederationIssuer: {
    code: 700211,
    status: 401,
    error: 'invalid_client',
    text: (issuer: string) => `${noRecord} issuer '${issuer}'. ${checkRecord}`,
  },
  FederationAudience: {
    code: 700212,
    status: 401,
    error: 'invalid_client',
    text: (audience: string) => `${noRecord} audience '${audience}'. ${checkRecord}`,
  },
  FederationSubject: {
    code: 700213,
    status: 401,
    error: 'invalid_client',
    text: (subject: string) => `${noRecord} subject '${subject}'. ${checkRecord}`,
  },
  FederationSubjectCase: {
    code: 7002138,
    status: 401,
    error: 'invalid_client',
    text: (subject: string) =>
      `${noRecord} subject '${subject}'. The subject matches with case-insensitive comparison, but not with case-sensitive comparison. ${checkRecord}`,
  },
  /** Of what Entra ID itself issues, only tokens of user-assigned identities may stand for an application. */
  FederationOfEntra: {
    code: 700222,
    status: 401,
    error: 'invalid_client',
    text: () => 'AAD-issued tokens may not be used for federated identity flows.',
  },
  FederationKeyNotFound: {
    code: 7000272,
    status: 401,
    error: 'invalid_client',
    text: (keyId: string, issuer: string) =>
      `The certificate with identifier ${keyId} used to sign the federated credential could not be found in the metadata of identity provider ${issuer}. Please validate that your Identity Provider's metadata exposes the key used to sign the incoming token.`,
  },
  FederationSignature: {
    code: 700027,
    status: 401,
    error: 'invalid_client',
    text: (keyId: string) =>
      `Client assertion failed signature validation. [Reason - Key was found, but use of the key to verify the signature failed., Thumbprint of key used by client: '${keyId}'].`,
  },
  UserAssertionKeyNotFound: {
    code: 50013,
    status: 400,
    error: 'invalid_grant',
    text: (thumbprint: string) =>
      `Assertion failed signature validation. [Reason - The key was not found., Thumbprint of key used by client: '${thumbprint}'].`,
  },
  UserAssertionSignature: {
    code: 50013,
    status: 400,
    error: 'invalid_grant',
    text: (thumbprint: string) =>
      `Assertion failed signature validation. [Reason - The provided signature value did not match the expected signature value., Thumbprint of key used by client: '${thumbprint}'].`,
  },
  UserAssertionAudience: {
    code: 500131,
    status: 400,
    error: 'invalid_grant',
    text: (audience: string, appId: string, name: string) =>
      `Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was '${audience}' and the expected audience is '${appId}' or one of the Application Uris of this application with App ID '${appId}'(${name}). The downstream client must request a token for the expected audience (the application that made the OBO request) and this application should use that token as the assertion.`,
  },
  UserAssertionExpired: {
    code: 500133,
    status: 400,
    error: 'invalid_grant',
    text: (now: string, expires: string) =>
      `Assertion is not within its valid time range. Ensure that the access token is not expired before using it for user assertion, or request a new token. Current time: ${now}, expiry time of assertion ${expires}.`,
  },
  UserAssertionOfApplication: {
    code: 7000113,
    status: 400,
    error: 'unauthorized_client',
    text: (appId: string) => `Application '${appId}' is not authorized to make application on-behalf-of calls.`,
  },
  UserAssertionIsIdToken: {
    code: 240002,
    status: 400,
    error: 'invalid_grant',
    text: () => "Input id_token cannot be used as 'urn:ietf:params:oauth:grant-type:jwt-bearer' grant.",
  },
  ClientProofMissing: {
    code: 7000218,
    status: 401,
    error: 'invalid_client',
    text: () => "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
  },
  IssuerUnreachable: {
    code: 50166,
    status: 400,
    error: 'invalid_request',
    text: () => 'Request to External OIDC endpoint failed.',
  },
  /** The first sentence is Entra ID's. */
  IssuerNotAllowed: {
    code: 50166,
    status: 400,
    error: 'invalid_request',
    text: (host: string) =>
      `Request to External OIDC endpoint failed. Kustody asks only hosts that are let through: start it with --allow ${host} .`,
  },
} as const;
