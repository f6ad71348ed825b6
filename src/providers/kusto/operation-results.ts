import type { ArmRequest } from '../../arm/arm-operation.ts';
import { operationHeaders } from '../../arm/long-running.ts';
import type { OperationRecord } from '../../arm/long-running.ts';
import { instant, toIso } from '../../clock/clock.ts';
import { kustoNamespace } from './operation-record.ts';

export const statusPath = (operation: OperationRecord): string =>
  `/subscriptions/${operation.subscriptionId}/providers/${kustoNamespace}/locations/${operation.location ?? ''}/operationResults/${operation.operationId}`;

/** `Azure-AsyncOperation` alone, as the service sends for PUT: clients then read the resource when it is over. */
export const asyncHeaders = (request: ArmRequest, operation: OperationRecord): Readonly<Record<string, string>> =>
  operationHeaders(request, statusPath(operation), { asyncOperation: true });

/** For PATCH, POST and DELETE the service sends `Location` as well: the same address with another answer. */
export const asyncAndLocationHeaders = (
  request: ArmRequest,
  operation: OperationRecord,
): Readonly<Record<string, string>> =>
  operationHeaders(request, statusPath(operation), {
    asyncOperation: true,
    location: true,
    locationQuery: '&operationResultResponseType=Location',
  });

/** The service writes seven digits after the second. @param fraction the four beyond the millisecond */
export const serviceTime = (milliseconds: number, fraction = 0): string =>
  toIso(instant(milliseconds)).replace('Z', `${String(fraction % 10_000).padStart(4, '0')}Z`);
