import type { InstanceEnvironment } from './instance-environment.ts';
import type { Instance } from './instance.ts';
import type { ServerPorts } from './settings.ts';

/** What clients of an instance need.
 * @param names those that exist now */
export async function describeEnvironment(
  parts: { readonly instance: Instance; readonly certificatePem: string; readonly ports: () => ServerPorts },
  names: () => Promise<Pick<InstanceEnvironment, 'vaults' | 'clusters'>>,
): Promise<InstanceEnvironment> {
  const { instance } = parts;
  const [subscriptionId, secondSubscriptionId] = instance.subscriptionIds;
  return {
    tenantId: instance.tenantId,
    subscriptionId,
    ...(secondSubscriptionId === undefined ? {} : { secondSubscriptionId }),
    clientId: instance.application.appId,
    clientSecret: instance.application.secret,
    objectId: instance.application.objectId,
    ...(instance.user === undefined ? {} : { user: instance.user }),
    caCertificate: parts.certificatePem,
    ...parts.ports(),
    ...(await names()),
  };
}
