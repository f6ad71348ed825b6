import type { TokenCredential } from '@azure/core-auth';
import type { InstanceEnvironment, SeededPrincipal } from '../server/instance-environment.ts';
import { passwordCredential, secretCredential } from './credential.ts';
import type { TestPrincipal } from './public.ts';

/** Those whom the seed has named, by name. */
export const testPrincipals = (found: InstanceEnvironment): Readonly<Record<string, TestPrincipal>> =>
  Object.fromEntries((found.seededPrincipals ?? []).map((one) => [one.name, testPrincipal(found, one)]));

function testPrincipal(found: InstanceEnvironment, principal: SeededPrincipal): TestPrincipal {
  const { type, objectId, clientId, userPrincipalName, secret } = principal;
  const known = {
    ...{ type, objectId },
    ...(clientId === undefined ? {} : { clientId }),
    ...(userPrincipalName === undefined ? {} : { userPrincipalName }),
  };
  if (secret !== undefined && clientId !== undefined) {
    const credential = secretCredential(found, { clientId, clientSecret: secret });
    return { ...known, clientSecret: secret, credential };
  }
  if (secret !== undefined && userPrincipalName !== undefined) {
    const credential = passwordCredential(found, { username: userPrincipalName, password: secret });
    return { ...known, password: secret, credential };
  }
  return known;
}

/** @throws TypeError */
export function credentialOf(principals: Readonly<Record<string, TestPrincipal>>, name: string): TokenCredential {
  const names = Object.keys(principals);
  if (!names.includes(name))
    throw new TypeError(`There is no principal '${name}' in kustody.yaml. There are: ${names.join(', ')}.`);
  const credential = principals[name]?.credential;
  if (credential === undefined) throw new TypeError(`'${name}' has no password or client secret to sign in with.`);
  return credential;
}
