import { Button, Center, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import mark from "../tessera.svg";

/** Asks for an admin key or a token. `enter` returns why it does not let in, or nothing. */
export function KeyForm({ notice, enter }: { notice: string; enter: (secret: string) => Promise<string> }) {
  const [secret, setSecret] = useState("");
  const [fault, setFault] = useState(notice);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFault("");
    const refused = await enter(secret.trim()).catch(
      () => "The server did not answer, or the key holds a character that no header can carry.",
    );
    setBusy(false);
    setFault(refused);
  };

  return (
    <Center component="main" mih="100vh" p="md">
      <Paper withBorder radius="lg" p="xl" w="100%" maw={440} shadow="sm">
        <form onSubmit={(event) => void submit(event)}>
          <Stack gap="md">
            <img src={mark} alt="" width={44} height={44} />
            <div>
              <Title order={1} size="h2">
                Tessera
              </Title>
              <Text c="dimmed" mt={4}>
                The console is for admins. The key stays in the memory of this tab and is gone when you leave it.
              </Text>
            </div>
            {/* No name: even without the script a submit could never put the key into an address. */}
            <PasswordInput
              label="Admin key or token"
              value={secret}
              onChange={(event) => setSecret(event.currentTarget.value)}
              autoComplete="off"
              spellCheck={false}
              data-autofocus
              autoFocus
              required
              withAsterisk={false}
              error={fault || undefined}
              errorProps={{ role: "alert" }}
            />
            <Button type="submit" loading={busy} fullWidth>
              Open the console
            </Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}
