import { dataError } from '../../database/catalog/data-error.ts';
import { runContinuousExports } from '../../database/commands/continuous-export-run.ts';
import type { DueJob } from './due-work.ts';
import { KustoError } from './errors/kusto-error.ts';
import type { DataPlanePorts } from './ports.ts';
import { clusterFacts, exportPlaces } from './run-command.ts';

const refusals: readonly KustoError['kind'][] = ['suspended', 'stopped', 'unavailable'];

/** Exports the new rows of continuous exports. Each piece that leaves asks the lease, and each container is recorded before, as of any export. */
export const continuousExports = (ports: DataPlanePorts): DueJob => ({
  name: 'continuous export',
  dueOn: (data) => data.exportsDueOn(),
  run: (data) =>
    runContinuousExports({
      data,
      engine: ports.host.engine,
      clock: ports.clock,
      randomBytes: ports.randomBytes,
      cluster: clusterFacts(ports),
      sourceOf: ports.sourceOf,
      isRefusal: (error) => error instanceof KustoError && refusals.includes(error.kind),
      managed: {
        identities: () => ports.call('identities', {}),
        accessOf: async ({ objectId, tenantId }) => {
          const reply = await ports.call('uploader', { objectId, tenantId, isUser: false });
          if (reply.outcome === 'allowed') return reply;
          if (reply.kind === 'unavailable' || reply.kind === 'damaged') throw new KustoError(reply.kind, reply.message);
          throw dataError(
            'InvalidPolicy',
            `The managed identity '${objectId}' is not known to the directory any more.`,
          );
        },
      },
      placesOf: (creator, activityId) => exportPlaces(ports, creator, activityId),
    }),
});
