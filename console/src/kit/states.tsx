// What every view has: its head, and what it says where there is nothing, or where something went wrong.
import { Alert, Button, Center, Group, Stack, Text, Title, Tooltip } from "@mantine/core";
import { CodeIcon, ExclamationTriangleIcon } from "@radix-ui/react-icons";
import { type ReactNode, useEffect } from "react";
import { type Asked, openInGraphiQL } from "../api/operations";

interface ViewHeadProps {
  title: string;
  about?: ReactNode;
  /** The operation behind the view. */
  asked?: Asked;
  children?: ReactNode;
}

export function ViewHead({ title, about, asked, children }: ViewHeadProps) {
  useEffect(() => {
    document.title = `${title} · Tessera`;
  }, [title]);
  return (
    <Group justify="space-between" align="flex-start" gap="sm">
      <div>
        <Title order={1} size="h2" tabIndex={-1} style={{ overflowWrap: "anywhere" }}>
          {title}
        </Title>
        {about && (
          <Text c="dimmed" component="div">
            {about}
          </Text>
        )}
      </div>
      <Group gap="xs">
        {children}
        {asked && <AsGraphQL asked={asked} />}
      </Group>
    </Group>
  );
}

export function AsGraphQL({ asked }: { asked: Asked }) {
  return (
    <Tooltip label="Opens this view's operation in GraphiQL">
      <Button variant="subtle" leftSection={<CodeIcon aria-hidden />} onClick={() => openInGraphiQL(asked)}>
        As GraphQL
      </Button>
    </Tooltip>
  );
}

export function Faulty({ sentence, again }: { sentence: string; again?: () => void }) {
  return (
    <Alert color="red" icon={<ExclamationTriangleIcon aria-hidden />} title="This could not be loaded" role="alert">
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{sentence}</Text>
        {again && (
          <Button size="xs" variant="default" onClick={again}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

interface NothingProps {
  sentence: string;
  action?: { label: string; run: () => void };
}

export function Nothing({ sentence, action }: NothingProps) {
  return (
    <Center mih={180} role="status">
      <Stack align="center" gap="sm">
        <Text c="dimmed">{sentence}</Text>
        {action && (
          <Button variant="light" onClick={action.run}>
            {action.label}
          </Button>
        )}
      </Stack>
    </Center>
  );
}
