import type { DataError, DataErrorCode } from '../catalog/data-error.ts';

/** @see https://learn.microsoft.com/azure/data-explorer/error-codes */
const codes: Readonly<Partial<Record<DataErrorCode, string>>> = {
  DatabaseNotFound: 'BadRequest_DatabaseNotExist',
  TableNotFound: 'BadRequest_TableNotExist',
  MappingNotFound: 'BadRequest_MappingReferenceWasNotFound',
  DuplicateMapping: 'BadRequest_DuplicateMapping',
  InvalidMapping: 'BadRequest_InvalidMapping',
  InconsistentMapping: 'BadRequest_InconsistentMapping',
  FormatNotSupported: 'BadRequest_FormatNotSupported',
  MappingRequired: 'BadRequest_MissingMappingtFailure',
  InvalidEntityName: 'BadRequest_EntityNameIsNotValid',
  MalformedIngestionProperty: 'BadRequest_MalformedIngestionProperty',
  CreationTimeTooOld: 'BadRequest_CreationTimeEarlierThanSoftDeletePeriod',
  ZeroRetention: 'BadRequest_ZeroRetentionPolicyWithNoUpdatePolicy',
  SourceNotAllowed: 'Download_Forbidden',
  PayloadTooLarge: 'Stream_InputStreamTooLarge',
};

/** What is told in reports of an ingestion that was refused. */
export const ingestionErrorCode = ({ code, malformed }: DataError): string =>
  malformed ?? codes[code] ?? 'General_BadRequest';
