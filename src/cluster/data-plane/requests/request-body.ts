import type { Json, JsonObject } from '../../../base/json.ts';
import { isJsonObject } from '../../../base/json.ts';
import { parseJsonBody } from '../../../http/body-parsers.ts';
import { kustoError } from '../errors/kusto-error.ts';
import type { RequestOptions } from './request-options.ts';
import { readOptions } from './request-options.ts';

/** A query or command as it was sent. */
export interface KustoRequest {
  readonly database: string;
  readonly text: string;
  readonly options: RequestOptions;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Options and parameters as they were sent. */
  readonly properties: JsonObject;
}

/** Reads a POST body. @throws KustoError `badRequest` */
export function readRequestBody(body: Uint8Array | undefined): KustoRequest {
  let value: Json | undefined;
  try {
    value = parseJsonBody(body ?? new Uint8Array());
  } catch {
    throw badRequest('The request body is not valid JSON.');
  }
  if (!isJsonObject(value))
    throw badRequest('The request body must be a JSON object with the members db, csl and properties.');
  return readRequest(value['db'], value['csl'], value['properties']);
}

/** Reads the parameters of a GET. @throws KustoError `badRequest` */
export function readRequestQuery(query: URLSearchParams): KustoRequest {
  return readRequest(query.get('db') ?? undefined, query.get('csl') ?? undefined, query.get('properties') ?? undefined);
}

function readRequest(db: Json | undefined, csl: Json | undefined, properties: Json | undefined): KustoRequest {
  if (typeof csl !== 'string' || csl.trim() === '')
    throw badRequest("The request has no 'csl': the text of a query or command.");
  if (db !== undefined && db !== null && typeof db !== 'string')
    throw badRequest("The request's 'db' must be a string.");
  return { database: db ?? '', text: csl, ...readProperties(properties) };
}

/** Client request properties: an object, or a string that holds one as JSON.
 * @throws KustoError `badRequest` */
export function readProperties(sent: Json | undefined): Pick<KustoRequest, 'options' | 'parameters' | 'properties'> {
  const bag = member(sent, 'properties');
  const parameters = member(bag['Parameters'], 'properties.Parameters');
  const options = member(bag['Options'], 'properties.Options');
  return { options: readOptions(options), parameters, properties: { Options: options, Parameters: parameters } };
}

function member(sent: Json | undefined, name: string): JsonObject {
  if (sent === undefined || sent === null || sent === '') return {};
  let value: Json | undefined = sent;
  if (typeof sent === 'string') {
    try {
      value = parseJsonBody(Buffer.from(sent, 'utf8'));
    } catch {
      throw badRequest(`The request's '${name}' is not valid JSON.`);
    }
  }
  if (!isJsonObject(value)) throw badRequest(`The request's '${name}' must be a JSON object.`);
  return value;
}

const badRequest = (text: string) => kustoError('badRequest', `Request is invalid and cannot be processed: ${text}`);
