import { Button, makeStyles, Tab, TabList, tokens } from '@fluentui/react-components';
import { useState } from 'react';
import type { Deed, PlaneRequest } from './form.ts';

const useStyles = makeStyles({
  lines: {
    margin: `${tokens.spacingVerticalS} 0`,
    padding: tokens.spacingHorizontalM,
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
    backgroundColor: tokens.colorNeutralBackground3,
    borderRadius: tokens.borderRadiusMedium,
    maxHeight: '420px',
    overflowY: 'auto',
  },
  tabs: { flexWrap: 'wrap' },
});

const noBicep = '// Bicep says what there is to be: it takes nothing away, and calls nothing.';

const views: readonly { readonly id: string; readonly title: string; readonly textOf: (deed: Deed) => string }[] = [
  { id: 'az', title: 'az', textOf: ({ az }) => az.join('\n') },
  { id: 'bicep', title: 'Bicep', textOf: ({ bicep }) => bicep ?? noBicep },
  { id: 'typescript', title: 'TypeScript', textOf: ({ typescript }) => typescript },
  { id: 'http', title: 'HTTP', textOf: ({ steps }) => steps.map(requestText).join('\n\n') },
];

/** What a form will do, in every language. */
export function DeedTexts({ deed }: { readonly deed: Deed }) {
  const styles = useStyles();
  const [shown, setShown] = useState('az');
  const [copied, setCopied] = useState<string>();
  const text = views.find(({ id }) => id === shown)?.textOf(deed) ?? '';
  return (
    <div>
      <TabList
        size="small"
        className={styles.tabs}
        aria-label="What this does"
        selectedValue={shown}
        onTabSelect={(_, { value }) => setShown(String(value))}
      >
        {views.map(({ id, title }) => (
          <Tab key={id} value={id} id={`deed-tab-${id}`} aria-controls="deed-text">
            {title}
          </Tab>
        ))}
      </TabList>
      <pre
        className={styles.lines}
        id="deed-text"
        role="tabpanel"
        aria-labelledby={`deed-tab-${shown}`}
        tabIndex={0}
        data-testid="deed"
      >
        {text}
      </pre>
      <Button size="small" onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(text))}>
        {copied === text ? 'Copied' : 'Copy'}
      </Button>
    </div>
  );
}

const requestText = ({ host, method, path, json }: PlaneRequest): string =>
  [`${method} https://${host}${path}`, ...(json === undefined ? [] : [JSON.stringify(json, undefined, 2)])].join('\n');
