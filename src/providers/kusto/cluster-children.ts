import { oneOf, resourceId, text } from './child-kind.ts';
import type { ChildKind } from './child-kind.ts';
import { kustoError } from './kusto-errors.ts';

const ofCluster = {
  parent: 'cluster',
  methods: ['GET', 'PUT', 'PATCH', 'DELETE'],
  name: { pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/, rule: '1 to 80 letters, digits, dots, hyphens or underscores' },
} as const;

const required = { required: true } as const;

/** Ways out of a cluster's managed network. There is no network here that a way could lead through. */
const managedPrivateEndpoints: ChildKind = {
  ...ofCluster,
  group: 'ManagedPrivateEndpoints',
  list: 'List',
  type: 'managedPrivateEndpoints',
  since: '2021-08-27',
  noun: 'managed private endpoint',
  nameCheck: 'managedPrivateEndpointsCheckNameAvailability',
  forms: {
    '': {
      properties: {
        privateLinkResourceId: { ...resourceId(), ...required },
        privateLinkResourceRegion: { ...text(100), unset: null },
        groupId: { ...text(100), ...required },
        requestMessage: { ...text(140), unset: null },
      },
      write: 'ManagedPrivateEndpointCreateOrUpdate',
    },
  },
  drop: 'ManagedPrivateEndpointDelete',
  hasSystemData: 'later',
  idle: 'the cluster has no managed network, and nobody is asked to approve',
};

/** Python packages for the sandboxes of `python()`, which is not built. */
const sandboxCustomImages: ChildKind = {
  ...ofCluster,
  group: 'SandboxCustomImages',
  list: 'ListByCluster',
  type: 'sandboxCustomImages',
  since: '2023-08-15',
  noun: 'sandbox custom image',
  nameCheck: 'sandboxCustomImagesCheckNameAvailability',
  forms: {
    '': {
      properties: {
        language: { ...oneOf('Python'), ...required },
        languageVersion: { ...text(100), unset: null },
        baseImageName: { ...text(100), unset: null, since: '2024-04-13' },
        requirementsFileContent: { ...text(100_000), unset: null },
      },
      write: 'SandboxCustomImageCreateOrUpdateCommand',
    },
  },
  drop: 'SandboxCustomImageDeleteCommand',
  idle: 'no image is built, since there are no sandboxes',
  check: (_, { values }) => {
    if (values['languageVersion'] === undefined && values['baseImageName'] === undefined)
      return Promise.reject(kustoError('MissingProperty', 'languageVersion'));
    return Promise.resolve();
  },
};

export const clusterChildren: readonly ChildKind[] = [managedPrivateEndpoints, sandboxCustomImages];
