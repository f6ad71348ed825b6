import { parseGuid } from '../../../base/guid.ts';
import type { QueueName } from '../../../database/catalog/queued-records.ts';
import { queueNames } from '../../../database/catalog/queued-records.ts';
import type { QueueAddress, TakenMessage } from '../../../database/queued/message-queues.ts';
import { queueNamesOnWire } from '../../../database/queued/storage-accounts.ts';
import { escapeXml, StorageError, unescapeXml } from './storage-errors.ts';
import type { StorageOperation, StorageRequest } from './storage-operation.ts';
import { httpDate, textOf } from './storage-operation.ts';

/** Of a message as XML: what 64 KiB of text may become with its entities. */
const messageBytesMax = 512 * 1024;

function addressOf({ account, name }: StorageRequest): QueueAddress {
  const queue = queueNames.find((one: QueueName) => queueNamesOnWire[one] === name);
  if (queue === undefined) throw new StorageError('ResourceNotFound');
  return { account, queue };
}

/** @throws StorageError `InvalidQueryParameterValue` */
function numberOf({ query }: StorageRequest, name: string, otherwise: number, least: number, most: number): number {
  const text = query.get(name);
  const value = text === null ? otherwise : Number(text);
  if (!Number.isInteger(value) || value < least || value > most) throw new StorageError('InvalidQueryParameterValue');
  return value;
}

function messageXml(
  { message, ...taken }: TakenMessage,
  parts: { readonly text: boolean; readonly receipt: boolean },
): string {
  const element = (name: string, value: string): string => `<${name}>${escapeXml(value)}</${name}>`;
  return [
    '<QueueMessage>',
    element('MessageId', message.messageId),
    element('InsertionTime', httpDate(message.insertedOn)),
    element('ExpirationTime', httpDate(message.expiresOn)),
    ...(parts.receipt
      ? [element('PopReceipt', taken.popReceipt), element('TimeNextVisible', httpDate(taken.nextVisibleOn))]
      : []),
    ...(parts.text ? [element('DequeueCount', String(taken.dequeueCount)), element('MessageText', message.text)] : []),
    '</QueueMessage>',
  ].join('');
}

async function sendList(
  { reply }: StorageRequest,
  status: number,
  messages: readonly TakenMessage[],
  parts: { readonly text: boolean; readonly receipt: boolean },
): Promise<void> {
  const list = messages.map((one) => messageXml(one, parts)).join('');
  await reply
    .code(status)
    .type('application/xml')
    .send(`<?xml version="1.0" encoding="utf-8"?><QueueMessagesList>${list}</QueueMessagesList>`);
}

async function putMessage(asked: StorageRequest): Promise<void> {
  const at = addressOf(asked);
  const xml = await textOf(asked.body(messageBytesMax));
  const [, text] = /<MessageText>([^<]*)<\/MessageText>/.exec(xml) ?? [];
  if (text === undefined && !/<MessageText\s*\/>/.test(xml)) throw new StorageError('InvalidXmlDocument');
  const ttl = asked.query.get('messagettl');
  const seconds = ttl === null ? undefined : Number(ttl);
  if (seconds !== undefined && (!Number.isInteger(seconds) || (seconds < 1 && seconds !== -1)))
    throw new StorageError('InvalidQueryParameterValue');
  if (numberOf(asked, 'visibilitytimeout', 0, 0, 604_800) > 0)
    throw new StorageError('NotImplemented', 'A message that is hidden at first.');
  const put = await asked.storage.messages.put(at, unescapeXml(text ?? ''), {
    ...(seconds === undefined || seconds === -1 ? {} : { ttlMs: seconds * 1_000 }),
    sentOn: asked.at,
  });
  if (at.queue === 'ready') asked.queued();
  await sendList(asked, 201, [put], { text: false, receipt: true });
}

const countMost = 32;

async function peekMessages(asked: StorageRequest): Promise<void> {
  const count = numberOf(asked, 'numofmessages', 1, 1, countMost);
  await sendList(asked, 200, asked.storage.messages.peek(addressOf(asked), count), { text: true, receipt: false });
}

async function getMessages(asked: StorageRequest): Promise<void> {
  const count = numberOf(asked, 'numofmessages', 1, 1, countMost);
  const seconds = numberOf(asked, 'visibilitytimeout', 30, 1, 604_800);
  const taken = asked.storage.messages.take(addressOf(asked), count, seconds * 1_000);
  await sendList(asked, 200, taken, { text: true, receipt: true });
}

async function deleteMessage(asked: StorageRequest): Promise<void> {
  const id = parseGuid(asked.rest.slice('messages/'.length));
  if (id === undefined) throw new StorageError('MessageNotFound');
  await asked.storage.messages.delete(addressOf(asked), id, asked.query.get('popreceipt') ?? '');
  await asked.reply.code(204).send();
}

const messages = { service: 'queue', rest: /^messages$/ } as const;
const isPeek = (query: URLSearchParams): boolean => query.get('peekonly')?.toLowerCase() === 'true';

/** @see Azure Queue Storage REST API */
export const queueOperations: readonly StorageOperation[] = [
  { id: 'PutMessage', ...messages, method: 'POST', permissions: 'a', run: putMessage },
  { id: 'PeekMessages', ...messages, method: 'GET', matches: isPeek, permissions: 'r', run: peekMessages },
  {
    id: 'GetMessages',
    ...messages,
    method: 'GET',
    matches: (query) => !isPeek(query),
    permissions: 'p',
    run: getMessages,
  },
  {
    id: 'DeleteMessage',
    service: 'queue',
    method: 'DELETE',
    rest: /^messages\/[^/]+$/,
    permissions: 'p',
    run: deleteMessage,
  },
];
