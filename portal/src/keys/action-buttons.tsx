import { Button, makeStyles, Spinner, Text, tokens } from '@fluentui/react-components';
import { useState } from 'react';
import { FailureBar } from '../shell/failure-bar.tsx';
import type { KeyAction } from './actions.ts';

const useStyles = makeStyles({
  actions: { display: 'flex', flexDirection: 'column', gap: tokens.spacingVerticalM },
  action: {
    display: 'grid',
    gridTemplateColumns: '110px minmax(0, 1fr)',
    gap: tokens.spacingHorizontalM,
    alignItems: 'start',
    '@media (max-width: 500px)': { gridTemplateColumns: 'minmax(0, 1fr)' },
  },
  lines: {
    margin: `${tokens.spacingVerticalXS} 0 0`,
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
  },
});

/** Each with what it does, and the lines that do the same on Azure. @param done called after each, whether it went well or not */
export function ActionButtons({
  actions,
  done,
}: {
  readonly actions: readonly KeyAction[];
  readonly done: () => void;
}) {
  const styles = useStyles();
  const [busy, setBusy] = useState<string>();
  const [failure, setFailure] = useState<Error>();
  const run = async (action: KeyAction): Promise<void> => {
    setBusy(action.name);
    setFailure(undefined);
    try {
      await action.run();
    } catch (error) {
      setFailure(error instanceof Error ? error : new Error(String(error)));
    }
    setBusy(undefined);
    done();
  };
  return (
    <div className={styles.actions}>
      {actions.map((action) => (
        <div key={action.name} className={styles.action}>
          <Button
            appearance={action.name === 'Restore' ? 'primary' : 'secondary'}
            disabled={busy !== undefined}
            {...(busy === action.name ? { icon: <Spinner size="tiny" /> } : {})}
            onClick={() => void run(action)}
          >
            {action.name}
          </Button>
          <div>
            <Text>{action.explains}</Text>
            <details>
              <summary>The same on Azure</summary>
              <pre className={styles.lines}>{[...action.az, '', ...action.typescript].join('\n')}</pre>
            </details>
          </div>
        </div>
      ))}
      {failure !== undefined && <FailureBar failure={failure} />}
    </div>
  );
}
