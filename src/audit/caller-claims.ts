import type { JsonObject } from '../base/json.ts';
import type { AuditCaller } from './audit-event.ts';

const claims = 'http://schemas.microsoft.com/identity/claims';
const soapClaims = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims';

/** As tokens name a caller. What is not known is left out. */
export const claimsOf = (caller: AuditCaller): JsonObject => ({
  [`${claims}/objectidentifier`]: caller.objectId,
  [`${claims}/tenantid`]: caller.tenantId,
  ...(caller.principalName === undefined ? {} : { [`${soapClaims}/upn`]: caller.principalName }),
  ...(caller.appId === undefined ? {} : { appid: caller.appId }),
  ...(caller.usedByResourceId === undefined ? {} : { xms_az_rid: caller.usedByResourceId }),
  ...(caller.identityResourceId === undefined ? {} : { xms_mirid: caller.identityResourceId }),
});
