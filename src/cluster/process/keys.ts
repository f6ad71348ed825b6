import type { Guid } from '../../base/guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { rewrapOnVisit, visitKey } from '../../encryption/key-visit.ts';
import type { KeyWrapper } from '../../encryption/key-wrapper.ts';
import { preflightKey } from '../../encryption/preflight.ts';
import { makeClusterKey, openClusterKey } from '../../encryption/rotation.ts';
import type { keyReplies } from '../messages/key-replies.ts';
import type { SupervisorCall } from '../messages/supervisor-calls.ts';
import type { DatabaseKeyring } from './database-keyring.ts';
import type { Operations } from './operations.ts';
import type { DataHolder } from './data-holder.ts';
import type { KeyHolder } from './key-holder.ts';

export interface KeyParts {
  readonly wrapper: () => KeyWrapper;
  /** Keys of any cluster are opened, and wiped with the answer. */
  readonly visits: () => boolean;
  /** Tokens for what is done within are asked for as that cluster, where keys are visited. */
  readonly visiting: <T>(clusterId: Guid | undefined, work: () => Promise<T>) => Promise<T>;
  readonly holder: () => KeyHolder;
  readonly data: () => DataHolder;
  readonly databaseKeys: () => DatabaseKeyring;
}

type KeyCall = Extract<SupervisorCall, keyof typeof keyReplies>;

/** What a process does with keys. */
export const keyOperations = ({
  wrapper,
  visits,
  visiting,
  holder,
  data,
  databaseKeys,
}: KeyParts): Operations<KeyCall> => ({
  describe: (call) => visiting(call.clusterId, () => wrapper().describe(call.identity, call.key)),
  preflight: ({ key, region, nowSeconds }) =>
    preflightKey({ wrapper: wrapper(), randomBytes: systemRandomBytes, nowSeconds }, key, region),
  open: (call) =>
    visits() ? visiting(call.current.clusterId, () => visitKey(wrapper(), call.current)) : holder().open(call),
  make: (call) => holder().make(call),
  rewrap: (call) =>
    visits()
      ? visiting(call.current.clusterId, () => rewrapOnVisit(wrapper(), call.current, call.target))
      : holder().rewrap(call),
  replace: (call) => holder().replace(call),
  adopt: (call) => {
    const reply = holder().adopt(call);
    data().adopt(call.check);
    return reply;
  },
  forget: (call) => {
    data().forget(call.check);
    return holder().forget(call);
  },
  makeDatabaseKey: async ({ databaseId, target }) => {
    const made = await makeClusterKey(wrapper(), databaseId, target, systemRandomBytes);
    if (made.outcome === 'failed') return made;
    const check = made.key.derive('check');
    databaseKeys().open(databaseId, made.key);
    return { outcome: 'made', wrapped: made.wrapped, check };
  },
  openDatabaseKey: async ({ current }) => {
    const opened = await openClusterKey(wrapper(), current);
    if (opened.outcome === 'failed') return opened;
    databaseKeys().open(current.clusterId, opened.key);
    await data().unlock();
    return { outcome: 'opened' };
  },
  lockDatabase: ({ databaseId }) => {
    databaseKeys().lock(databaseId);
    return { outcome: 'done' };
  },
  forgetDatabaseKey: ({ databaseId }) => {
    databaseKeys().forget(databaseId);
    return { outcome: 'done' };
  },
});
