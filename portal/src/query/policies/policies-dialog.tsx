import {
  Badge,
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  makeStyles,
  Spinner,
  Text,
  tokens,
} from '@fluentui/react-components';
import { useCallback } from 'react';
import type { Where } from '../../api/kusto.ts';
import { FailureBar } from '../../shell/failure-bar.tsx';
import { useAnswer } from '../../shell/use-answer.ts';
import { exactText } from '../answer/exact-json.ts';
import type { PolicyOwner } from './policy-rows.ts';
import { alterText, showText } from './policy-rows.ts';
import type { FoundPolicy } from './read-policies.ts';
import { readPolicies } from './read-policies.ts';

const useStyles = makeStyles({
  title: { overflowWrap: 'anywhere' },
  list: { listStyleType: 'none', margin: 0, padding: 0 },
  policy: { padding: `${tokens.spacingVerticalS} 0`, borderTop: `1px solid ${tokens.colorNeutralStroke2}` },
  line: { display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: tokens.spacingHorizontalS },
  name: { flexGrow: 1, fontFamily: tokens.fontFamilyMonospace },
  value: {
    margin: `${tokens.spacingVerticalXS} 0 0`,
    padding: tokens.spacingHorizontalS,
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    whiteSpace: 'pre-wrap',
    // Queries and identifiers inside of it have no places to break.
    overflowWrap: 'anywhere',
    backgroundColor: tokens.colorNeutralBackground3,
  },
});

export interface PoliciesDialogProps {
  readonly where: Where;
  readonly owner: PolicyOwner;
  /** Puts a text where the cursor is. */
  readonly insert: (text: string) => void;
  /** Opens a text in a tab of its own, and does not run it. */
  readonly openTab: (text: string) => void;
  readonly onClose: () => void;
}

/** All policies that one thing has, read when this opens. */
export function PoliciesDialog({ where: { host, database }, owner, insert, openTab, onClose }: PoliciesDialogProps) {
  const styles = useStyles();
  const ask = useCallback(
    (signal: AbortSignal) => readPolicies({ host, database }, owner, signal),
    [host, database, owner],
  );
  const { value, failure } = useAnswer(ask);
  const take = (put: (text: string) => void, text: string): void => {
    put(text);
    onClose();
  };
  return (
    <Dialog open onOpenChange={(_, { open }) => !open && onClose()}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle className={styles.title}>{`Policies of ${owner.name}`}</DialogTitle>
          <DialogContent>
            {failure !== undefined && <FailureBar failure={failure} />}
            {value === undefined && failure === undefined && <Spinner label="Looking at the policies" />}
            {value !== undefined && (
              <ul className={styles.list}>
                {value.map((found) => (
                  <li key={found.row.name} className={styles.policy} data-testid="policy" data-state={found.state}>
                    <div className={styles.line}>
                      <Text className={styles.name}>{found.row.name}</Text>
                      <StateBadge state={found.state} />
                      <div className={styles.line}>
                        <Button
                          size="small"
                          aria-label={`.show policy ${found.row.name}`}
                          onClick={() => take(insert, showText(owner, found.row))}
                        >
                          .show
                        </Button>
                        {found.row.unchanged === undefined && (
                          <Button
                            size="small"
                            aria-label={`.alter policy ${found.row.name} in a tab`}
                            onClick={() => take(openTab, alterText(owner, found.row, found.policy))}
                          >
                            .alter
                          </Button>
                        )}
                      </div>
                    </div>
                    <Value found={found} className={styles.value} />
                  </li>
                ))}
              </ul>
            )}
          </DialogContent>
          <DialogActions>
            <Button appearance="primary" onClick={onClose}>
              Close
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}

function Value({ found, className }: { readonly found: FoundPolicy; readonly className: string }) {
  const { row, policy, failure } = found;
  if (failure !== undefined) return <FailureBar failure={failure} />;
  return (
    <>
      {policy !== null && <pre className={className}>{exactText(policy, 2)}</pre>}
      {row.unchanged !== undefined && <Text size={200}>{row.unchanged}</Text>}
    </>
  );
}

const states: Readonly<Record<FoundPolicy['state'], readonly [string, 'brand' | 'informative' | 'danger']>> = {
  set: ['own', 'brand'],
  inherited: ['of the database', 'informative'],
  none: ['not set', 'informative'],
  failed: ['refused', 'danger'],
};

function StateBadge({ state }: { readonly state: FoundPolicy['state'] }) {
  const [text, color] = states[state];
  return (
    <Badge appearance="outline" color={color}>
      {text}
    </Badge>
  );
}
