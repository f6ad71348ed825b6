import type { BodyRules } from '../../http/shown-body.ts';

/** What may be seen of the directory's bodies: who and what there is, and errors. No row has a password, a client secret or a key. */
export const graphBodyRules: BodyRules = {
  shown: new Set([
    ...['@odata.context', '@odata.type', '@odata.id', '@odata.nextLink', 'id', 'appId', 'displayName', 'description'],
    ...['userPrincipalName', 'mailNickname', 'mail', 'givenName', 'surname', 'accountEnabled', 'userType'],
    ...['servicePrincipalType', 'appOwnerOrganizationId', 'signInAudience', 'identifierUris', 'keyId', 'type', 'usage'],
    ...['startDateTime', 'endDateTime', 'createdDateTime', 'deletedDateTime', 'principalId', 'resourceId', 'appRoleId'],
    ...['principalDisplayName', 'principalType', 'resourceDisplayName', 'resourceAppId', 'clientId', 'consentType'],
    ...['scope', 'issuer', 'subject', 'audiences', 'name', 'groupTypes', 'allowedMemberTypes', 'securityEnabled'],
    ...['code', 'message', 'date', 'request-id', 'client-request-id'],
  ]),
};
