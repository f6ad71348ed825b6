import type { JsonObject } from '../../base/json.ts';
import { attributesOf, formatObjectId, idOf, managedOf, tagsOf } from '../objects/object-answers.ts';
import type { Found, ObjectKind } from '../objects/object-kind.ts';
import { errorsOf } from '../objects/object-kind.ts';
import type { VaultSettings } from '../vault-directory.ts';
import type { SecretVersionRecord } from './secret-records.ts';
import { secretTables } from './secret-records.ts';

/** Secrets among the kinds of objects. */
export const secretKind: ObjectKind<SecretVersionRecord> = {
  ...secretTables,
  errors: { ...errorsOf('secret', 'Secret'), managed: 'secretIsManaged' },
  bundle: (vault, found, apiVersion) => {
    const { name } = found.object.value;
    const { version, managed } = found.version.value;
    const kid = managed === undefined ? {} : { kid: formatObjectId(vault, 'keys', name, version) };
    return secretMembers(vault, found, idOf(vault, secretTables, found), apiVersion, kid);
  },
  item: (vault, found, id, apiVersion) => secretMembers(vault, found, id, apiVersion, {}),
};

/** SecretBundle without its value, members in the order the service writes them. */
function secretMembers(
  vault: VaultSettings,
  { version }: Found<SecretVersionRecord>,
  id: string,
  apiVersion: string,
  kid: JsonObject,
): JsonObject {
  const { contentType } = version.value;
  return {
    ...(contentType === undefined ? {} : { contentType }),
    id,
    ...managedOf(version.value),
    attributes: attributesOf(vault, version.value, apiVersion),
    ...tagsOf(version.value),
    ...kid,
  };
}
