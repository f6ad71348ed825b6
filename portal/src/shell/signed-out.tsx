import { Body1, makeStyles, MessageBar, MessageBarBody, Title2, tokens } from '@fluentui/react-components';

const useStyles = makeStyles({
  page: { maxWidth: '640px', display: 'flex', flexDirection: 'column', gap: tokens.spacingVerticalL },
  code: {
    fontFamily: tokens.fontFamilyMonospace,
    padding: tokens.spacingHorizontalM,
    backgroundColor: tokens.colorNeutralBackground3,
    borderRadius: tokens.borderRadiusMedium,
  },
});

export function SignedOut({ refused }: { readonly refused: string | undefined }) {
  const styles = useStyles();
  return (
    <div className={styles.page}>
      <Title2 as="h1">Open it with a link</Title2>
      {refused !== undefined && (
        <MessageBar intent="warning">
          <MessageBarBody>{refused}</MessageBarBody>
        </MessageBar>
      )}
      <Body1 as="p">This browser has no session here: none was begun, it has ended, or Kustody was started anew.</Body1>
      <Body1 as="p">A new link comes from the terminal:</Body1>
      <pre className={styles.code}>kustody open</pre>
    </div>
  );
}
