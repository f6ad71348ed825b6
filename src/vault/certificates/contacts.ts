import type { Json, JsonObject } from '../../base/json.ts';
import type { Versioned } from '../../state/state.ts';
import { expectRecord, writeRecord } from '../../state/state.ts';
import { member } from '../objects/attributes.ts';
import { parseBodyObject } from '../objects/body-object.ts';
import { vaultHostOf } from '../objects/object-answers.ts';
import type { VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import type { VaultSettings } from '../vault-directory.ts';
import { vaultError } from '../vault-error.ts';
import type { ContactsRecord } from './issuer-records.ts';
import { contactsRecordId, vaultContacts } from './issuer-records.ts';
import { readPerson } from './issuers.ts';

const contactsMax = 100;

async function requireContacts({ state }: VaultServices, { vault }: VaultRequest): Promise<Versioned<ContactsRecord>> {
  const found = await state.get(vaultContacts, contactsRecordId(vault.vaultId));
  if (found === undefined) throw vaultError('contactsNotFound');
  return found;
}

const contactsId = (vault: VaultSettings): string => `https://${vaultHostOf(vault)}/certificates/contacts`;

const answer = (vault: VaultSettings, contacts: readonly JsonObject[]) => ({
  ...({ status: 200, id: contactsId(vault) } as const),
  body: { id: contactsId(vault), contacts },
});

export async function setContacts(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { vault } = request;
  const sent = member(parseBodyObject(request.body ?? Buffer.from('{}')), 'contacts');
  if (!Array.isArray(sent) || sent.length > contactsMax) throw vaultError('invalidProperty', 'contacts');
  const listed: readonly Json[] = sent;
  const contacts = listed.map((one) => readPerson(one, ['email', 'name', 'phone']));
  if (contacts.some(({ email }) => email === undefined)) throw vaultError('requiredProperty', 'email');
  const id = contactsRecordId(vault.vaultId);
  const stored = await services.state.get(vaultContacts, id);
  return {
    ...answer(vault, contacts),
    write: [writeRecord(vaultContacts, id, stored?.version ?? null, { format: 1, contacts })],
  };
}

export async function getContacts(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { id, version, value } = await requireContacts(services, request);
  return { ...answer(request.vault, value.contacts), expect: [expectRecord(vaultContacts, id, version)] };
}

export async function deleteContacts(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { id, version, value } = await requireContacts(services, request);
  return { ...answer(request.vault, value.contacts), write: [writeRecord(vaultContacts, id, version, null)] };
}
