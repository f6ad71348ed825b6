import type { SeededPrincipal } from './instance-environment.ts';

/** Names of variables have capitals, digits and underscores. */
export const variableStem = (name: string): string =>
  `KUSTODY_PRINCIPAL_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;

/** What programs are told of them. */
export function principalVariables(principals: readonly SeededPrincipal[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    principals.flatMap(({ name, type, objectId, clientId, userPrincipalName, secret }) => {
      const stem = variableStem(name);
      const all = {
        OBJECT_ID: objectId,
        CLIENT_ID: clientId,
        USERNAME: userPrincipalName,
        ...(type === 'User' ? { PASSWORD: secret } : { CLIENT_SECRET: secret }),
      };
      return Object.entries(all).flatMap(([suffix, value]) =>
        value === undefined ? [] : [[`${stem}_${suffix}`, value]],
      );
    }),
  );
}
