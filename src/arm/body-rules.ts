import type { BodyRules } from '../http/shown-body.ts';

/** What may be seen of bodies of the resource manager: what resources are, and errors. No row has the `value` of a secret or a parameter,
 * an address that may be signed, or a script; of templates, parameters and outputs nothing is shown. */
export const armBodyRules: BodyRules = {
  closed: new Set(['template', 'parameters', 'outputs', 'variables', 'metadata', 'tags']),
  shown: new Set([
    ...['id', 'name', 'type', 'kind', 'location', 'etag', 'nextLink', 'code', 'message', 'target', 'details', 'status'],
    ...['provisioningState', 'state', 'stateReason', 'startTime', 'endTime', 'percentComplete', 'reason'],
    ...['createdAt', 'createdBy', 'createdByType', 'lastModifiedAt', 'lastModifiedBy', 'lastModifiedByType'],
    // Subscriptions, groups, deployments, locks, diagnostic settings.
    ...['subscriptionId', 'tenantId', 'displayName', 'spendingLimit', 'quotaId', 'managedBy', 'mode', 'timestamp'],
    ...['duration', 'correlationId', 'templateHash', 'resourceName', 'resourceType', 'level', 'notes', 'namespace'],
    ...['registrationState', 'category', 'categoryGroup', 'workspaceId', 'storageAccountId', 'days', 'apiVersions'],
    // Identities and roles.
    ...['principalId', 'principalType', 'principalName', 'clientId', 'tenantName', 'roleDefinitionId', 'roleName'],
    ...['scope', 'condition', 'conditionVersion', 'description', 'assignableScopes', 'actions', 'notActions'],
    ...['dataActions', 'notDataActions', 'role', 'aadObjectId', 'issuer', 'subject', 'audiences', 'createdOn'],
    ...['updatedOn', 'updatedBy', 'delegatedManagedIdentityResourceId'],
    // Vaults and keys.
    ...['vaultUri', 'vaultId', 'family', 'objectId', 'applicationId', 'keys', 'secrets', 'certificates', 'storage'],
    ...['softDeleteRetentionInDays', 'publicNetworkAccess', 'bypass', 'defaultAction', 'createMode', 'kty'],
    ...['keyOps', 'keySize', 'curveName', 'keyUri', 'keyUriWithVersion', 'recoveryLevel', 'exp', 'nbf', 'created'],
    ...['updated', 'deletionDate', 'scheduledPurgeDate', 'timeAfterCreate', 'timeBeforeExpiry', 'expiryTime'],
    // Clusters and databases.
    ...['tier', 'capacity', 'minimum', 'maximum', 'version', 'uri', 'dataIngestionUri', 'engineType', 'zones'],
    ...['keyName', 'keyVaultUri', 'keyVersion', 'userIdentity', 'publicIPType', 'allowedIpRangeList'],
    ...['allowedFqdnList', 'restrictOutboundNetworkAccess', 'softDeletePeriod', 'hotCachePeriod', 'size'],
    ...['databaseName', 'databaseNameOverride', 'databaseNamePrefix', 'clusterResourceId', 'attachedDatabaseNames'],
    ...['defaultPrincipalsModificationKind', 'principalsModificationKind', 'attachedDatabaseConfigurationName'],
    ...['tablesToInclude', 'tablesToExclude', 'functionsToInclude', 'functionsToExclude', 'tableName', 'dataFormat'],
    ...['mappingRuleName', 'consumerGroup', 'compression', 'eventHubResourceId', 'storageAccountResourceId'],
    ...['eventGridResourceId', 'managedIdentityResourceId', 'managedIdentityObjectId', 'blobStorageEventType'],
    ...['databaseRouting', 'eventSystemProperties', 'languageExtensionName', 'languageExtensionImageName'],
    ...['forceUpdateTag', 'scriptLevel', 'principalPermissionsAction', 'languageVersion'],
  ]),
};
