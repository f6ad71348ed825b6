import { Button, Checkbox, Field, Input, makeStyles, Select, Spinner, tokens } from '@fluentui/react-components';
import { useEffect, useId, useRef, useState } from 'react';
import { Card } from '../shell/card.tsx';
import { FailureBar } from '../shell/failure-bar.tsx';
import type { BaseLists } from './resources.ts';
import { DeedTexts } from './deed-texts.tsx';
import type { Field as FormField, Form, Values } from './form.ts';
import { perform } from './perform.ts';
import type { Thing } from './thing-kind.ts';

const useStyles = makeStyles({
  columns: {
    display: 'grid',
    gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 380px), 1fr))',
    gap: tokens.spacingHorizontalL,
    '& > *': { minWidth: 0 },
  },
  fields: { display: 'flex', flexDirection: 'column', gap: tokens.spacingVerticalS },
  buttons: { display: 'flex', flexWrap: 'wrap', gap: tokens.spacingHorizontalM },
});

export interface Opened {
  readonly form: Form;
  /** An empty one for a form that makes something. */
  readonly thing: Thing;
}

interface FormCardProps extends Opened {
  readonly base: BaseLists;
  readonly close: () => void;
  /** Called with what was done. */
  readonly done: (what: string) => void;
}

/** A form, and beside it what it will do. */
export function FormCard({ form, thing, base, close, done }: FormCardProps) {
  const styles = useStyles();
  // As they were when the form was opened: what others do meanwhile moves nothing under the hands.
  const [fields] = useState(() => form.fields(base, thing));
  const [values, setValues] = useState<Values>(() =>
    Object.fromEntries(fields.map(({ id, initial }) => [id, initial])),
  );
  const [underWay, setUnderWay] = useState<AbortController>();
  const [failure, setFailure] = useState<Error>();
  const start = useRef<HTMLFormElement>(null);
  useEffect(() => start.current?.querySelector<HTMLElement>('input, select, button')?.focus(), []);
  const title = thing.name === '' ? form.title : `${form.title}: ${thing.name}`;
  const deed = form.deed(values, base, thing);
  const isComplete = fields.every(({ id, isOptional }) => isOptional === true || (values[id] ?? '').trim() !== '');
  const send = async (): Promise<void> => {
    const ended = new AbortController();
    setUnderWay(ended);
    setFailure(undefined);
    try {
      await perform(deed.steps, ended.signal);
      done(thing.name === '' ? `${title} ${values['name'] ?? ''}` : title);
    } catch (error) {
      setUnderWay(undefined);
      setFailure(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const leave = (): void => {
    underWay?.abort();
    close();
  };
  return (
    <Card title={title}>
      <div className={styles.columns}>
        <form
          ref={start}
          className={styles.fields}
          onSubmit={(event) => {
            event.preventDefault();
            if (isComplete && underWay === undefined) void send();
          }}
        >
          {fields.map((field) => (
            <OneField
              key={field.id}
              field={field}
              value={values[field.id] ?? ''}
              change={(value) => setValues({ ...values, [field.id]: value })}
            />
          ))}
          {failure !== undefined && <FailureBar failure={failure} />}
          <div className={styles.buttons}>
            <Button
              type="submit"
              appearance="primary"
              disabled={!isComplete}
              disabledFocusable={underWay !== undefined}
              {...(underWay === undefined ? {} : { icon: <Spinner size="tiny" /> })}
            >
              {form.title}
            </Button>
            <Button onClick={leave}>Close</Button>
          </div>
        </form>
        <DeedTexts deed={deed} />
      </div>
    </Card>
  );
}

interface OneFieldProps {
  readonly field: FormField;
  readonly value: string;
  readonly change: (value: string) => void;
}

function OneField({ field: { label, kind, choices = [], hint, isOptional }, value, change }: OneFieldProps) {
  const id = useId();
  if (kind === 'check')
    return (
      <Checkbox
        label={label}
        checked={value === 'true'}
        onChange={(_, { checked }) => change(String(checked === true))}
      />
    );
  return (
    <Field
      label={{ children: label, htmlFor: id }}
      required={isOptional !== true}
      {...(hint === undefined ? {} : { hint })}
    >
      {kind === 'choice' ? (
        <Select id={id} value={value} onChange={(_, chosen) => change(chosen.value)}>
          {choices.map((one) => (
            <option key={one.value} value={one.value}>
              {one.label}
            </option>
          ))}
        </Select>
      ) : (
        <Input
          id={id}
          value={value}
          autoComplete="off"
          spellCheck={false}
          onChange={(_, typed) => change(typed.value)}
        />
      )}
    </Field>
  );
}
