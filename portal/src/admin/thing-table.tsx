import {
  Button,
  makeStyles,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  TableCell,
  TableRow,
  Text,
  tokens,
} from '@fluentui/react-components';
import { MoreHorizontalRegular } from '@fluentui/react-icons';
import { FoundByName } from '../shell/found-by-name.tsx';
import { ScrollTable, useCellStyles } from '../shell/scroll-table.tsx';
import type { Form } from './form.ts';
import type { Thing, ThingKind } from './thing-kind.ts';

const useStyles = makeStyles({
  name: { overflowWrap: 'anywhere', fontWeight: tokens.fontWeightSemibold },
  menu: { width: '48px' },
});

interface ThingTableProps {
  readonly kind: ThingKind;
  readonly things: readonly Thing[];
  readonly open: (form: Form, thing: Thing) => void;
}

/** The things of one kind, each with what can be done to it; of many, those whose name or other cells have what is wanted. */
export function ThingTable({ kind, things, open }: ThingTableProps) {
  const styles = useStyles();
  const { broken } = useCellStyles();
  if (things.length === 0) return <Text>There is nothing of this kind.</Text>;
  return (
    <FoundByName things={things} kind={lowered(kind.title)} textOf={({ name, cells }) => [name, ...cells].join(' ')}>
      {(shown) => (
        <ScrollTable label={kind.title} columns={[...kind.columns, { name: 'Do', className: styles.menu }]}>
          {shown.map((thing) => (
            <TableRow key={thing.id} data-testid="thing">
              <TableCell className={styles.name}>{thing.name}</TableCell>
              {thing.cells.map((text, at) => (
                <TableCell key={at} className={broken}>
                  {text}
                </TableCell>
              ))}
              <TableCell className={styles.menu}>
                <Changes forms={kind.changes(thing)} thing={thing} open={open} />
              </TableCell>
            </TableRow>
          ))}
        </ScrollTable>
      )}
    </FoundByName>
  );
}

const lowered = (title: string): string => `${title[0]?.toLowerCase() ?? ''}${title.slice(1)}`;

interface ChangesProps {
  readonly forms: readonly Form[];
  readonly thing: Thing;
  readonly open: ThingTableProps['open'];
}

function Changes({ forms, thing, open }: ChangesProps) {
  if (forms.length === 0) return null;
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <Button
          appearance="subtle"
          size="small"
          icon={<MoreHorizontalRegular />}
          aria-label={`What can be done to ${thing.name}`}
        />
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {forms.map((form) => (
            <MenuItem key={form.id} onClick={() => open(form, thing)}>
              {form.title} …
            </MenuItem>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
