/** What an SDK threw, in a form that fits one line. */
export interface AzureError {
  readonly status?: number;
  /** Of the service, where there is one. */
  readonly code?: string;
  readonly message: string;
  /** Further sentences of the service: the exact cause and what to do. */
  readonly details: readonly string[];
}

/** Reads errors of all SDKs: of requests, of long-running operations (whose code stands only in their text) and of credentials. */
export function readAzureError(error: unknown): AzureError {
  const top = membersOf(error);
  const body = membersOf(membersOf(top['details'])['error']);
  const text = firstText(body['message'], top['message']) ?? String(error);
  const failed = /^The long-running operation has failed\.?\s*(?:([A-Za-z]+)\.\s*)?([\s\S]*)$/.exec(text);
  const code = failed?.[1] ?? firstText(body['code'], top['code']);
  const status = typeof top['statusCode'] === 'number' ? top['statusCode'] : undefined;
  const details: readonly unknown[] = Array.isArray(body['details']) ? body['details'] : [];
  const message = failed?.[2] === undefined || failed[2] === '' ? text : failed[2];
  return {
    ...(status === undefined ? {} : { status }),
    ...(code === undefined ? {} : { code }),
    message: oneLine(message),
    details: details.flatMap((detail) => firstText(membersOf(detail)['message']) ?? []).map(oneLine),
  };
}

/** `403 Forbidden: the caller may not …` */
export function azureErrorLine(error: unknown): string {
  const { status, code, message, details } = readAzureError(error);
  const head = [status, code].filter((part) => part !== undefined).join(' ');
  return [head === '' ? message : `${head}: ${message}`, ...details].join(' ');
}

export const isNotFound = (error: unknown): boolean => readAzureError(error).status === 404;
export const isForbidden = (error: unknown): boolean => [401, 403].includes(readAzureError(error).status ?? 0);

/** Texts of a service, without anything that could steer a terminal. */
export const oneLine = (text: string): string =>
  text
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .slice(0, 2000);

const firstText = (...candidates: readonly unknown[]): string | undefined =>
  candidates.find((candidate): candidate is string => typeof candidate === 'string' && candidate !== '');

/** The message of an Error is not enumerable. */
const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
    ? { ...value, ...(value instanceof Error ? { message: value.message } : {}) }
    : {};
