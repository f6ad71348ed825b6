import { isJsonObject, textMember } from '../base/json.ts';
import type { Json, JsonObject } from '../base/json.ts';
import type { InstanceEnvironment } from './instance-environment.ts';
import { parseJsonBody, sendLocal } from './local-request.ts';

export interface LocalCall {
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly token?: string;
  readonly body?: Json;
  /** Instead of a JSON body. */
  readonly form?: string;
  /** Default 1 MiB. */
  readonly answerBytesMax?: number;
}

export interface LocalResult {
  readonly status: number;
  readonly text: string;
  readonly value: unknown;
}

/** JSON calls to the planes of an instance on this machine, past proxies and DNS. */
export async function callLocal(environment: InstanceEnvironment, request: LocalCall): Promise<LocalResult> {
  const { host, method, path, token, body, form } = request;
  const payload = form ?? (body === undefined ? undefined : JSON.stringify(body));
  const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded';
  const answer = await sendLocal(
    { address: '127.0.0.1', port: environment.port, ca: environment.caCertificate },
    {
      ...{ host, method, path, timeoutMs: 600_000, answerBytesMax: request.answerBytesMax ?? 1024 * 1024 },
      headers: {
        accept: 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(payload === undefined ? {} : { 'content-type': type }),
      },
      ...(payload === undefined ? {} : { body: Buffer.from(payload) }),
    },
  );
  return { status: answer.status, text: answer.body.toString('utf8'), value: parseJsonBody(answer.body) };
}

/** @throws Error with the service's own code and message when it refuses */
export function succeeded({ status, value }: LocalResult): JsonObject {
  if (status >= 200 && status < 300) return isJsonObject(value) ? value : {};
  const error = isJsonObject(value) && isJsonObject(value['error']) ? value['error'] : {};
  const message = textMember(error, '@message') || textMember(error, 'message') || 'refused';
  throw new Error(`${textMember(error, 'code') || status}: ${message}`);
}

/** A token of the data directory's own application. */
export async function localToken(environment: InstanceEnvironment, resource: string): Promise<string> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: environment.clientId,
    client_secret: environment.clientSecret,
    scope: `${resource}/.default`,
  });
  const answer = await callLocal(environment, {
    ...{ host: 'login.microsoftonline.com', method: 'POST', path: `/${environment.tenantId}/oauth2/v2.0/token` },
    form: form.toString(),
  });
  return textMember(succeeded(answer), 'access_token');
}
