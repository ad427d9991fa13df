import {
  Badge,
  type CSSVariablesResolver,
  createTheme,
  type MantineColorSchemeManager,
  type MantineColorsTuple,
  Modal,
  Notification,
} from "@mantine/core";

/** The teal of Tessera's mark. */
const tessera: MantineColorsTuple = [
  "#e9fbf8",
  "#d3f4ee",
  "#a4e8dc",
  "#71dbc9",
  "#48d0b9",
  "#2bbfa8",
  "#17a493",
  "#0f766e",
  "#0d655f",
  "#0a4f4b",
];

export const theme = createTheme({
  colors: { tessera },
  primaryColor: "tessera",
  primaryShade: { light: 7, dark: 7 },
  defaultRadius: "md",
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Code', Menlo, Consolas, monospace",
  headings: { fontWeight: "650" },
  cursorType: "pointer",
  autoContrast: true,
  components: {
    // The ground of a badge tells its state; its text stays as readable as any other.
    Badge: Badge.extend({ styles: { label: { color: "var(--mantine-color-text)" } } }),
    Modal: Modal.extend({ defaultProps: { closeButtonProps: { "aria-label": "Close" } } }),
    Notification: Notification.extend({ defaultProps: { closeButtonProps: { "aria-label": "Close" } } }),
  },
  respectReducedMotion: true,
});

/** Light or dark as the system is, until it is switched; for this visit alone, so that nothing is left behind. */
export function forThisVisit(): MantineColorSchemeManager {
  return { get: (standard) => standard, set: () => {}, subscribe: () => {}, unsubscribe: () => {}, clear: () => {} };
}

/** Quiet texts that can still be read: 4.5 to 1 upon every ground that there is. */
export const readable: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#5b6472",
    "--mantine-color-placeholder": "#6b7482",
    "--mantine-color-error": "#c92a2a",
    "--mantine-color-orange-light-color": "#9c3a06",
  },
  dark: {
    "--mantine-color-dimmed": "#a3adbd",
    "--mantine-color-placeholder": "#98a2b3",
    "--mantine-color-error": "#ff8787",
  },
});
