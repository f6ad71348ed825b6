import { AsyncLocalStorage } from 'node:async_hooks';
import { beginningOf } from '../../base/beginning-of.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { Guid } from '../../base/guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import type { CatalogImage, CatalogReader } from './image.ts';
import { databaseOf, ofKind } from './image.ts';
import type { JournalRecord, Requester } from './journal-record.ts';
import { eventsOf } from './metadata-events.ts';

/** @param command is asked for when something has changed: most commands change nothing here */
export type Asking = Omit<Requester, 'command'> & { readonly command: () => string };

const nobody: Asking = { principal: '', user: '', command: () => '', clientRequestId: '', activityId: '' };
const requesters = new AsyncLocalStorage<Asking>();

/** Changes of the catalog that the work makes are the requester's, however deep inside, also those that go on after it. */
export const onBehalfOf = <T>(requester: Asking, work: () => T): T => requesters.run(requester, work);

export const requesterNow = (): Asking => requesters.getStore() ?? nobody;

/** So many stay, the newest; a few more for a moment, so that not every change removes one. */
const keptMax = 2_000;
const keptSlack = 200;
/** UTF-16 units of a name, a state or a command. */
const textMax = 1_024;

export interface Journal {
  /** Adds to a change what it does to what is defined, and removes the oldest entries beyond what is kept.
   * @param group what else is in the same commit */
  note(own: CatalogDraft, group: CatalogDraft, requester: Asking): void;
}

export function createJournal(image: CatalogImage, randomBytes: RandomBytes, now: () => Instant): Journal {
  /** The commit that removes the oldest: others in it need not look for them again. */
  let trimming: CatalogDraft | undefined;
  return {
    note(own, group, requester) {
      const events = eventsOf(own.changes, group);
      if (events.length === 0) return;
      if (image.group('journal').size > keptMax + keptSlack && trimming !== group) {
        trimming = group;
        for (const { journalId } of journalOf(image).slice(0, -keptMax)) own.delete(`j/${journalId}`);
      }
      const by: Requester = { ...requester, command: requester.command() };
      for (const event of events.slice(-keptMax))
        own.put({
          ...{ kind: 'journal', journalId: newGuid(randomBytes), at: now() },
          ...withShortTexts({ ...event, ...by }),
          ...versionsOf(event.databaseId, own, group),
        });
    },
  };
}

const versionsOf = (databaseId: Guid | undefined, after: CatalogReader, before: CatalogReader) => {
  if (databaseId === undefined) return { originalVersion: 0, version: 0 };
  const of = (reader: CatalogReader): number => databaseOf(reader, databaseId).schemaVersion;
  return { originalVersion: of(before), version: of(after) };
};

const withShortTexts = <T extends object>(texts: T): T =>
  Object.fromEntries(
    Object.entries(texts).map(([name, value]: [string, unknown]) => [
      name,
      typeof value === 'string' ? beginningOf(value, textMax) : value,
    ]),
  ) as T;

/** Oldest first. */
export const journalOf = (image: CatalogImage): readonly JournalRecord[] =>
  [...image.group('journal')]
    .flatMap((id) => ofKind(image.get(id), 'journal'))
    .sort((left, right) => left.at - right.at || left.version - right.version);
