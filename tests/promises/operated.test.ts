import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { findInstance } from '../../src/cli/control-client.ts';
import type { ControlClient } from '../../src/cli/control-client.ts';
import type { StartedCommand } from '../support/kustody-command.ts';
import { kustody, startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import { hasModules, pythonIn } from '../support/python.ts';

const container = join(import.meta.dirname, '..', '..', 'container');
const text = (name: string): string => readFileSync(join(container, name), 'utf8');

describe('the dashboard for Grafana', () => {
  const directory = temporaryDirectory();
  const data = join(directory.path, 'data');
  let server: StartedCommand;
  let client: ControlClient;
  beforeAll(async () => {
    const ports = ['--port', '0', '--kusto-port', '0', '--proxy-port', '0'];
    server = startKustody(['up', '--data', data, '--seed', '--log-level', 'silent', ...ports]);
    await server.printed('Stop with');
    client = (await findInstance(data)) ?? expect.unreachable();
  });
  afterAll(async () => {
    server.process.kill('SIGTERM');
    await server.result;
    directory[Symbol.dispose]();
  });

  interface Dashboard {
    readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
  }
  const dashboard = JSON.parse(text('grafana-dashboard.json')) as Dashboard;
  const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  /** What stands before the labels of a series. */
  const namesIn = (expression: string): readonly string[] =>
    [...expression.matchAll(/\b([a-z_]+)\{/g)].map(([, name = '']) => name);

  it('asks for what /metrics tells, by its name and labels, and for all of it', async () => {
    expect(await kustody(['query', '--data', data, 'print 1'])).toMatchObject({ code: 0 });
    const { body } = await client.download('/metrics');
    const lines = body.toString('utf8').split('\n');
    const told = new Map(
      lines.flatMap((line) => {
        const [, name, labels = ''] = /^([a-z_]+)(?:\{([^}]*)\})? \S+$/.exec(line) ?? [];
        return name === undefined ? [] : [[name, [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label)]];
      }),
    );
    for (const expression of expressions) {
      const names = namesIn(expression);
      expect(names.length, expression).toBeGreaterThan(0);
      for (const name of names) {
        expect([...told.keys()]).toContain(name);
        const labels = [
          ...[...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/)),
          ...[...expression.matchAll(/[{,]\s*(\w+)(?:=~|=)/g)].map(([, label = '']) => label),
        ].filter((label) => label !== 'job'); // Prometheus adds it
        for (const label of labels) expect(told.get(name), `${name} by ${label}`).toContain(label);
      }
    }
    expect([...new Set(expressions.flatMap(namesIn))].toSorted()).toEqual([...told.keys()].toSorted());
  });

  it('has titles that differ', () => {
    const titles = dashboard.panels.map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
  });
});

interface Probe {
  readonly exec?: { readonly command: readonly string[] };
  readonly tcpSocket?: { readonly port: string };
}
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly replicas?: number;
    readonly strategy?: { readonly type: string };
    readonly minAvailable?: number;
    readonly selector?: Readonly<Record<string, unknown>> & { readonly matchLabels?: unknown };
    readonly ports?: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[];
    readonly template?: {
      readonly metadata: { readonly labels: unknown };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly securityContext: unknown;
        readonly volumes: readonly {
          readonly name: string;
          readonly persistentVolumeClaim?: { readonly claimName: string };
        }[];
        readonly containers: readonly {
          readonly args: readonly string[];
          readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
          readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
          readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
          readonly startupProbe?: Probe;
          readonly readinessProbe: Probe;
          readonly livenessProbe?: Probe;
        }[];
      };
    };
  };
}

describe.each(['kubernetes.yaml', 'kubernetes-nodes.yaml'])('the manifests of %s', (file) => {
  const isOfNodes = file.includes('nodes');
  const documents = parseAllDocuments(text(file), { strict: true });
  const manifests = documents.map((document) => document.toJS() as Manifest);
  const one = (kind: string): Manifest => manifests.find((manifest) => manifest.kind === kind) ?? expect.unreachable();
  const template = one('Deployment').spec.template ?? expect.unreachable();
  const [only, ...others] = template.spec.containers;
  const main = only ?? expect.unreachable();

  it('are YAML without a mistake, of the versions that Kubernetes has', () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
    expect(manifests.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)).toEqual([
      ...(isOfNodes ? [] : ['v1 PersistentVolumeClaim']),
      'apps/v1 Deployment',
      'v1 Service',
      'policy/v1 PodDisruptionBudget',
    ]);
  });

  const validator = pythonIn('kubernetes');
  it.skipIf(!hasModules(validator, ['kubernetes_validate']))('are what the schemas of Kubernetes take', async () => {
    const validate = (path: string) => promisify(execFile)(validator, ['-m', 'kubernetes_validate', '--strict', path]);
    await validate(join(container, file));
    using directory = temporaryDirectory();
    const misspelt = join(directory.path, file);
    writeFileSync(misspelt, text(file).replace('replicas:', 'replicaz:'));
    await expect(validate(misspelt)).rejects.toMatchObject({ code: 1 });
  });

  it('never run a second instance beside the first, unless that stands by and nothing of it is kept', () => {
    expect(one('Deployment').spec).toMatchObject({ replicas: isOfNodes ? 3 : 1, strategy: { type: 'Recreate' } });
    for (const option of ['--standby', '--advertise']) expect(main.args.includes(option)).toBe(isOfNodes);
    // One that stands by listens nowhere while it starts: whoever asked whether it is alive would end it.
    expect([main.startupProbe, main.livenessProbe].map((probe) => probe === undefined)).toEqual([isOfNodes, isOfNodes]);
    expect(one('PodDisruptionBudget').spec.minAvailable).toBe(1);
    expect(others).toEqual([]);
  });

  it('name one another by what there is', () => {
    const { labels } = template.metadata;
    expect(one('Deployment').spec.selector?.matchLabels).toEqual(labels);
    expect(one('PodDisruptionBudget').spec.selector?.matchLabels).toEqual(labels);
    expect(one('Service').spec.selector).toEqual(labels);
    const ports = new Map(main.ports.map(({ name, containerPort }) => [name, containerPort]));
    for (const { port, targetPort } of one('Service').spec.ports ?? []) expect(ports.get(targetPort)).toBe(port);
    if (main.livenessProbe !== undefined) expect(ports.get(main.livenessProbe.tcpSocket?.port ?? '')).toBeDefined();
    const volumes = template.spec.volumes.map(({ name }) => name);
    for (const { name } of main.volumeMounts) expect(volumes).toContain(name);
    const [claim] = template.spec.volumes.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim ?? []);
    expect(claim?.claimName).toBe(isOfNodes ? undefined : one('PersistentVolumeClaim').metadata.name);
  });

  it('are of the image that the Containerfile makes: user, ports, places, and what asks whether it is ready', () => {
    const image = text('Containerfile');
    const exposed = (/^EXPOSE (.*)$/m.exec(image)?.[1] ?? '').split(' ').map(Number);
    expect(main.ports.map(({ containerPort }) => containerPort)).toEqual(exposed);
    const asked = JSON.parse(/^HEALTHCHECK .* CMD (\[.*\])$/m.exec(image)?.[1] ?? '[]') as unknown;
    for (const probe of [main.startupProbe, main.readinessProbe])
      if (probe !== undefined) expect(probe.exec?.command).toEqual(asked);
    expect(main.volumeMounts.map(({ mountPath }) => mountPath)).toEqual(['/data', '/dev/shm']);
    expect(template.spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
  });

  it('give it options that it has, more time to stop than it takes, and no secret by value', async () => {
    const help = (await kustody(['up', '--help'])).stdout;
    for (const option of main.args.filter((word) => word.startsWith('--'))) expect(help).toContain(option);
    const grace = Number(main.args[main.args.indexOf('--stop-grace') + 1]);
    expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(grace + 6);
    for (const { value, valueFrom } of main.env) expect([value, valueFrom !== undefined]).toEqual([undefined, true]);
    const named = main.args.flatMap((word) => /^(?:\$\((\w+)\)|env:(\w+))$/.exec(word)?.slice(1) ?? []).filter(Boolean);
    for (const name of named) expect(main.env.map((variable) => variable.name)).toContain(name);
    expect(named).toHaveLength(isOfNodes ? 3 : 0);
  });
});
