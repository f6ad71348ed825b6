import type { startServerFixture } from './server-fixture.ts';

type Started = Awaited<ReturnType<typeof startServerFixture>>;

export type Identity = Pick<Started['environment'], 'clientId' | 'clientSecret' | 'objectId'>;

/** An application of the directory with a secret, made as any administrator makes one. */
export async function newIdentityIn(
  fixture: Pick<Started, 'send' | 'tokenFor'>,
  displayName: string,
): Promise<Identity> {
  const token = await fixture.tokenFor('https://graph.microsoft.com');
  const graph = async (path: string, body: object) => {
    const answer = await fixture.send({
      ...{ host: 'graph.microsoft.com', method: 'POST', path: `/v1.0/${path}`, token, body },
    });
    if (answer.status >= 300) throw new Error(answer.text);
    return answer.body as Readonly<Record<string, string>>;
  };
  const { id, appId = '' } = await graph('applications', { displayName });
  const { secretText = '' } = await graph(`applications/${id ?? ''}/addPassword`, {});
  const { id: objectId = '' } = await graph('servicePrincipals', { appId });
  return { clientId: appId, clientSecret: secretText, objectId };
}
