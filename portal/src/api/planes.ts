import type { Call } from './request.ts';
import { send, sendJson } from './request.ts';

/** Calls a plane of this instance under its real host name, as the instance's own application: the server adds the token for the audience
 * of that host. @param host for example `management.azure.com` or `vault1.vault.azure.net`; others are refused @param path with its query */
export const callPlane = (host: string, path: string, call?: Call): Promise<Response> =>
  send(`/portal/planes/${encodeURIComponent(host)}${path}`, call);

export const callPlaneJson = <T>(host: string, path: string, call?: Call): Promise<T> =>
  sendJson<T>(`/portal/planes/${encodeURIComponent(host)}${path}`, call);
