import type { ArmProvider } from '../../../src/arm/arm-operation.ts';
import type { ArmFixtureParts } from '../../support/arm-fixture.ts';

/** On the Kustody clock. */
export const takesMs = 60_000;

/** A provider whose resources take a minute on the Kustody clock; one called `bad` fails then. */
export class SlowThings {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, number>();
  readonly #waiting = new Set<string>();
  #wanted: { readonly count: number; readonly resolve: () => void } | undefined;

  /** Resolves when the ends of so many are waited for. */
  whenWaiting(count: number): Promise<void> {
    this.#waiting.clear();
    return new Promise((resolve) => {
      this.#wanted = { count, resolve };
    });
  }

  provider({ clock }: ArmFixtureParts): ArmProvider {
    const path = '/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Test.Slow/things/{name}';
    return {
      namespace: 'Test.Slow',
      resourceTypes: [{ resourceType: 'things', apiVersions: ['2024-01-01'], locations: [] }],
      operations: [
        {
          id: 'Things_Put',
          method: 'PUT',
          path,
          action: 'Test.Slow/things/write',
          handle: ({ params, origin, url }) => {
            const { name = '' } = params;
            this.begun.push(name);
            this.#ends.set(name, clock.now() + takesMs);
            const status = `${origin}${url.replace('?', '/status?')}`;
            return Promise.resolve({ status: 201, body: {}, headers: { 'Azure-AsyncOperation': status } });
          },
        },
        {
          id: 'Things_Status',
          method: 'GET',
          path: `${path}/status`,
          action: 'Test.Slow/things/read',
          handle: ({ params }) => {
            const { name = '' } = params;
            const hasEnded = clock.now() >= (this.#ends.get(name) ?? 0);
            if (!hasEnded) {
              this.#waiting.add(name);
              if (this.#waiting.size === this.#wanted?.count) this.#wanted.resolve();
              return Promise.resolve({ status: 200, body: { status: 'InProgress' } });
            }
            const error = { code: 'ThingBroke', message: 'The thing broke.' };
            return Promise.resolve({
              status: 200,
              body: name === 'bad' ? { status: 'Failed', error } : { status: 'Succeeded' },
            });
          },
        },
      ],
    };
  }
}

/** Of a template. */
export const thing = (name: string, dependsOn: readonly string[] = []) => ({
  type: 'Test.Slow/things',
  apiVersion: '2024-01-01',
  name,
  dependsOn,
});
