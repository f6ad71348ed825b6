import { webDarkTheme, webLightTheme } from '@fluentui/react-components';
import type { Scheme } from '../../shell/color-scheme.ts';
import type { ChartInk } from './chart.ts';

/** Colours that are told apart on their ground, whatever the eyes: after Okabe and Ito, darker or lighter. */
const palettes: Readonly<Record<Scheme, readonly string[]>> = {
  light: ['#0f6cbd', '#c4480a', '#107c41', '#8764b8', '#986f0b', '#038387', '#a4262c', '#5c5c5c'],
  dark: ['#62abf5', '#f7894a', '#5ec075', '#c3a6ef', '#e3c15b', '#4cd0d4', '#f1707b', '#bdbdbd'],
};

export const inks: Readonly<Record<Scheme, ChartInk>> = {
  light: ink('light', webLightTheme),
  dark: ink('dark', webDarkTheme),
};

function ink(scheme: Scheme, theme: typeof webLightTheme): ChartInk {
  return {
    text: theme.colorNeutralForeground1,
    line: theme.colorNeutralStroke1,
    surface: theme.colorNeutralBackground1,
    palette: palettes[scheme],
  };
}
