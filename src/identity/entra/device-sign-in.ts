import type { JsonObject } from '../../base/json.ts';
import { requireTenant, sharedTenantNames } from './client-credentials.ts';
import { EntraError, entraError } from './entra-error.ts';
import { deviceCodeSeconds, devicePollSeconds } from './pending-sign-ins.ts';
import { messagePage, signInPage } from './sign-in-page.ts';
import type { PageAnswer } from './sign-in-page.ts';
import { readField, refuseAmbiguity } from './token-request.ts';
import { readAskedScope } from './user-grants.ts';
import type { UserGrantOptions } from './user-grants.ts';
import { requirePublicClient } from './user-sign-in.ts';

export const devicePage = 'https://login.microsoft.com/device';

/** RFC 8628: a code for the device, and one for its user to type. @throws EntraError */
export async function startDeviceSignIn(
  request: {
    readonly method: string;
    readonly tenant: string;
    readonly version: 1 | 2;
    readonly form: URLSearchParams;
  },
  options: UserGrantOptions,
): Promise<JsonObject> {
  const { form, version } = request;
  if (request.method !== 'POST') throw entraError('PostOnly', request.method);
  refuseAmbiguity(form);
  const clientId = readField(form, 'client_id');
  if (clientId === undefined) throw entraError('ParameterMissing', 'client_id');
  const isShared = sharedTenantNames.includes(request.tenant.toLowerCase());
  const tenant = isShared ? undefined : await requireTenant(request.tenant, options.tenants);
  const client = await requirePublicClient(clientId, tenant, options.directory);
  const scope = readAskedScope(form, version);
  const userCode = options.pendingSignIns.newUserCode();
  const pending = { userCode, clientId: client.appId, tenantName: request.tenant, scope };
  const answer = {
    user_code: userCode,
    device_code: options.pendingSignIns.devices.issue(pending),
    message: `To sign in, use a web browser to open the page ${devicePage} and enter the code ${userCode} to authenticate.`,
  };
  return version === 1
    ? {
        ...answer,
        verification_url: devicePage,
        expires_in: String(deviceCodeSeconds),
        interval: String(devicePollSeconds),
      }
    : { ...answer, verification_uri: devicePage, expires_in: deviceCodeSeconds, interval: devicePollSeconds };
}

/** Where a user enters the code that a device shows. Whoever does lets that device act in the user's name. */
export async function deviceSignInPage(
  request: {
    readonly method: string;
    readonly query: (name: string) => string | undefined;
    readonly form: URLSearchParams;
  },
  { pendingSignIns, userSignIn }: UserGrantOptions,
): Promise<PageAnswer> {
  const title = 'Enter the code that your device shows';
  if (request.method !== 'POST') return signInPage({ title, userCode: request.query('otc') ?? '' });
  const userCode = (request.form.get('user_code') ?? '').trim().toUpperCase();
  const userName = request.form.get('username') ?? '';
  const again = (error: string): PageAnswer => signInPage({ title, userCode, userName, error });
  const pending = pendingSignIns.devices.find((one) => one.userCode === userCode && one.approvedBy === undefined);
  if (pending === undefined) return again("That code didn't work. Check the code and try again.");
  try {
    const { user, tenant } = await userSignIn.withPassword(
      pending.tenantName,
      userName,
      request.form.get('password') ?? '',
    );
    // Two users at once: the first one's sign-in counts.
    if (pending.approvedBy !== undefined) return again("That code didn't work. Check the code and try again.");
    pending.approvedBy = { userId: user.objectId, tenantId: tenant.tenantId };
    return messagePage('You have signed in.', 'You can close this window and go back to your device.');
  } catch (error) {
    if (error instanceof EntraError) return again(error.message);
    throw error;
  }
}
