import type { Terminal } from '../../question.ts';
import { ask } from '../../question.ts';
import { UserError } from '../../user-error.ts';

const onAzure = {
  message: 'Nobody is there to ask twice; nothing was changed.',
  hint: 'A drill on Azure is agreed to at a terminal, by whoever sees it.',
};

/** Once here, or not at all with `--yes`; on Azure always twice, the second time by the name of the cluster. @throws UserError where nobody is */
export async function confirmDrill(
  { azure, yes, cluster }: { readonly azure: boolean; readonly yes: boolean; readonly cluster: string },
  terminal?: Terminal,
): Promise<boolean> {
  if (azure && yes) throw new UserError('On Azure --yes is refused: a drill is asked about twice there.');
  if (yes) return true;
  if (!azure) return ask('Take the key away, and give it back?', undefined, terminal);
  if (!(await ask('This is Azure. Take the key away, and give it back?', onAzure, terminal))) return false;
  return ask('Whoever works with the cluster is cut off. Once more, its name.', onAzure, terminal, cluster);
}
