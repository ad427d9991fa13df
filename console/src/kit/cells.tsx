// How single values look, in tables and on pages alike.
import { Badge, Code, Text } from "@mantine/core";
import { formatInstant, formatPrecisely } from "./format";

export const Mono = ({ children }: { children: string }) => (
  <Code bg="transparent" p={0} fz="inherit" c="inherit">
    {children}
  </Code>
);

export const Unset = () => (
  <Text span c="dimmed" aria-label="not set">
    –
  </Text>
);

export function Instant({ at }: { at: string | null | undefined }) {
  if (!at) return <Unset />;
  return (
    <time dateTime={at} title={formatPrecisely(at)}>
      {formatInstant(at)}
    </time>
  );
}

export const Active = ({ active }: { active: boolean }) => (
  <Badge variant="light" color={active ? "teal" : "gray"} tt="none">
    {active ? "Active" : "Inactive"}
  </Badge>
);

/** A word for a state, in a colour that never is all that tells it. */
export const State = ({ children, color }: { children: string; color: string }) => (
  <Badge variant="light" color={color} tt="none">
    {children}
  </Badge>
);
