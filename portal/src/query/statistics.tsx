import { makeStyles, Text, tokens } from '@fluentui/react-components';

const useStyles = makeStyles({
  list: {
    overflow: 'auto',
    maxHeight: '100%',
    margin: 0,
    fontFamily: tokens.fontFamilyMonospace,
    whiteSpace: 'pre-wrap',
  },
});

/** What the service tells of a query beside its rows: resources, workload group, what it found in a cache. */
export function Statistics({ completion }: { readonly completion: Readonly<Record<string, unknown>> }) {
  const styles = useStyles();
  const names = Object.keys(completion);
  if (names.length === 0) return <Text>Management commands come without statistics.</Text>;
  return (
    <pre className={styles.list} tabIndex={0} aria-label="Statistics">
      {names.map((name) => `${name}\n${JSON.stringify(completion[name], undefined, 2)}`).join('\n\n')}
    </pre>
  );
}
