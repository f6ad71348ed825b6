import type { FastifyInstance } from 'fastify';
import type { RegisteredNode, StoredFormat } from '../state/formats/state-formats.ts';
import { isLive, newestOf, NodesKnowLessError, raiseTo, stepsBetween } from '../state/formats/state-formats.ts';
import { ControlError } from './control-plane.ts';

/** What `kustody upgrade` shows. */
export interface UpgradeStatus {
  /** The format that is written. */
  readonly written: number;
  /** The newest that the node that serves knows. */
  readonly newest: number;
  /** What finishing would write, oldest first. */
  readonly pending: readonly { readonly format: number; readonly says: string }[];
  /** Why it would be refused. */
  readonly refusal?: string;
  readonly nodes: readonly (RegisteredNode & { readonly live: boolean })[];
}

/** `GET /upgrade`, `POST /upgrade/finish`: which formats nodes know, and from when on the newer one is written. */
export const upgradeRoutes =
  ({ format }: { readonly format: StoredFormat }) =>
  (app: FastifyInstance): void => {
    app.get('/upgrade', () => upgradeStatus(format));
    let finishing: Promise<void> | undefined;
    app.post('/upgrade/finish', async () => {
      await (finishing ??= finish(format).finally(() => (finishing = undefined)));
      return upgradeStatus(format);
    });
  };

/** What is written already is left as it is: so it can be given again, whatever came of it before. */
async function finish(format: StoredFormat): Promise<void> {
  await raiseTo(format).catch((error: unknown) => {
    throw error instanceof NodesKnowLessError ? new ControlError(409, 'NodesKnowLess', error.message) : error;
  });
}

async function upgradeStatus(format: StoredFormat): Promise<UpgradeStatus> {
  const { formats, written } = format;
  const newest = newestOf(formats);
  const nodes = (await format.nodes()).map((node) => ({ ...node, live: isLive(node) }));
  const behind = nodes.filter(({ live, newest: known }) => live && known < newest);
  const isPending = written < newest;
  return {
    ...{ written, newest },
    pending: stepsBetween(formats, written, newest).map((step) => ({ format: step.format, says: step.says })),
    ...(isPending && behind.length > 0 ? { refusal: new NodesKnowLessError(newest, behind).message } : {}),
    nodes,
  };
}
