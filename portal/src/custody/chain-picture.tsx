import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import {
  CheckmarkCircleRegular,
  ErrorCircleRegular,
  QuestionCircleRegular,
  WarningRegular,
} from '@fluentui/react-icons';
import { linkTo } from '../shell/route.ts';
import type { ChainNode, NodeState } from './chain.ts';

/** From the vault down to the extents instead of across. */
const narrow = '@media (max-width: 700px)';

const useStyles = makeStyles({
  list: {
    listStyleType: 'none',
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'stretch',
    rowGap: tokens.spacingVerticalS,
    margin: 0,
    padding: 0,
    [narrow]: { flexDirection: 'column', flexWrap: 'nowrap', rowGap: 0 },
  },
  item: {
    ...{ display: 'flex', alignItems: 'stretch', minWidth: 0, maxWidth: '100%' },
    [narrow]: { flexDirection: 'column' },
  },
  node: {
    display: 'flex',
    flexDirection: 'column',
    width: '136px',
    minHeight: '76px',
    boxSizing: 'border-box',
    padding: tokens.spacingHorizontalS,
    borderRadius: tokens.borderRadiusMedium,
    border: `1px solid ${tokens.colorNeutralStroke1}`,
    borderLeftWidth: '5px',
    color: tokens.colorNeutralForeground1,
    backgroundColor: tokens.colorNeutralBackground1,
    textDecorationLine: 'none',
    ':hover': { backgroundColor: tokens.colorNeutralBackground1Hover },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: '1px' },
    [narrow]: { width: '100%', minHeight: 'auto' },
  },
  kind: { fontSize: tokens.fontSizeBase200, color: tokens.colorNeutralForeground2 },
  name: {
    fontWeight: tokens.fontWeightSemibold,
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    whiteSpace: 'nowrap',
  },
  says: { fontSize: tokens.fontSizeBase200, display: 'flex', alignItems: 'center', gap: '4px' },
  arrow: {
    alignSelf: 'center',
    padding: '0 6px',
    color: tokens.colorNeutralForeground3,
    [narrow]: { rotate: '90deg' },
  },
  good: { borderLeftColor: tokens.colorStatusSuccessBorderActive },
  warning: { borderLeftColor: tokens.colorStatusWarningBorderActive },
  bad: { borderLeftColor: tokens.colorStatusDangerBorderActive, backgroundColor: tokens.colorStatusDangerBackground1 },
  unknown: { borderLeftColor: tokens.colorNeutralStroke1 },
});

const signs: Readonly<Record<NodeState, typeof WarningRegular>> = {
  good: CheckmarkCircleRegular,
  warning: WarningRegular,
  bad: ErrorCircleRegular,
  unknown: QuestionCircleRegular,
};

/** What a cluster's rows hang on, from left to right; each link leads to where it is seen and changed.
 * @param cluster its name */
export function ChainPicture({ cluster, nodes }: { readonly cluster: string; readonly nodes: readonly ChainNode[] }) {
  const styles = useStyles();
  return (
    <ol className={styles.list} aria-label={`What the data of ${cluster} hangs on`}>
      {nodes.map((node, index) => {
        const Sign = signs[node.state];
        return (
          <li key={node.kind} className={styles.item}>
            {index > 0 && (
              <span aria-hidden className={styles.arrow}>
                →
              </span>
            )}
            <a
              className={mergeClasses(styles.node, styles[node.state])}
              href={hrefOf(node, cluster)}
              data-state={node.state}
            >
              <span className={styles.kind}>{node.kind}</span>
              <span className={styles.name} title={node.name}>
                {node.name}
              </span>
              <span className={styles.says}>
                <Sign aria-hidden /> {node.says}
              </span>
            </a>
          </li>
        );
      })}
    </ol>
  );
}

const hrefOf = ({ kind }: ChainNode, cluster: string): string =>
  kind === 'Databases'
    ? linkTo('query', [], { cluster })
    : kind === 'Extents'
      ? linkTo('proof')
      : linkTo('keys', [cluster]);
