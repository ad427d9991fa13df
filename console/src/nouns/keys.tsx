// The keys of admins: who has which, and the way to give and to take one. For the role admin alone.
import { Alert, Button, CopyButton, Group, Paper, PasswordInput, Select, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { modals } from "@mantine/modals";
import { PlusIcon } from "@radix-ui/react-icons";
import { useState } from "react";
import { useClient } from "urql";
import { change } from "../api/changes";
import { useOperation } from "../api/operations";
import { type AdminRole, AdminKeysDocument, CreateAdminKeyDocument, type KeyRowFragment } from "../generated/graphql";
import { RevokeAdminKeyDocument } from "../generated/graphql";
import { Instant, State, Unset } from "../kit/cells";
import { startOfDay } from "../kit/format";
import { Faulty, Nothing, ViewHead } from "../kit/states";
import { Refused } from "../make/Refused";
import { useSubmit } from "../make/submit";
import { Rows } from "../table/Rows";
import { useAct } from "../table/act";
import type { Action, Column } from "../table/declaration";

const ROLES: { value: AdminRole; label: string }[] = [
  { value: "VIEWER", label: "Viewer: reads whatever an admin reads" },
  { value: "SUPPORT", label: "Support: also switches, refunds, gives back" },
  { value: "ADMIN", label: "Admin: everything, keys included" },
];

const nameOf = ({ name }: KeyRowFragment): string => name;
const keyOf = ({ id }: KeyRowFragment): string => id;

function StateOf({ revokedAt, expiresAt }: KeyRowFragment) {
  if (revokedAt) return <State color="gray">Revoked</State>;
  if (expiresAt && new Date(expiresAt) <= new Date()) return <State color="gray">Expired</State>;
  return <State color="teal">Lets in</State>;
}

const REVOKE: Action<KeyRowFragment> = {
  key: "revoke",
  label: "Revoke",
  role: "ADMIN",
  destructive: true,
  applies: ({ revokedAt }) => !revokedAt,
  confirmation: () => "Within a second this key lets nobody in any more. There is no undo:",
  done: () => "The key is revoked.",
  run: (client, { id }) => change(client, RevokeAdminKeyDocument, { id }),
};

const COLUMNS: Column<KeyRowFragment>[] = [
  {
    key: "name",
    label: "Name",
    cell: ({ name }) => (
      <Text span fw={600}>
        {name}
      </Text>
    ),
  },
  {
    key: "role",
    label: "Role",
    cell: ({ role }) => <State color="blue">{role.charAt(0) + role.slice(1).toLowerCase()}</State>,
  },
  { key: "state", label: "State", cell: (key) => <StateOf {...key} /> },
  { key: "lastUsedAt", label: "Last used", cell: ({ lastUsedAt }) => <Instant at={lastUsedAt} /> },
  { key: "expiresAt", label: "Ends", cell: ({ expiresAt }) => <Instant at={expiresAt} /> },
  { key: "createdBy", label: "Given by", cell: ({ createdBy }) => createdBy },
  { key: "createdAt", label: "Given", cell: ({ createdAt }) => <Instant at={createdAt} /> },
];

/** Each key is revoked by itself, for a reason of its own. */
const revoking = (revoke: (key: KeyRowFragment) => void): Column<KeyRowFragment> => ({
  key: "revoke",
  label: "Change",
  cell: (key) =>
    REVOKE.applies(key) ? (
      <Button
        size="compact-sm"
        color="red"
        variant="light"
        aria-label={`Revoke ${key.name}`}
        onClick={() => revoke(key)}
      >
        Revoke
      </Button>
    ) : (
      <Unset />
    ),
});

/** The secret of a new key, this once. */
function Shown({ secret, name, close }: { secret: string; name: string; close: () => void }) {
  return (
    <Stack>
      <Alert color="tessera" role="status">
        This is the key of {name}. It is shown this once and is stored nowhere: copy it now.
      </Alert>
      <PasswordInput label="Key" value={secret} readOnly ff="monospace" defaultVisible={false} />
      <Group justify="flex-end">
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Button variant="light" onClick={copy}>
              {copied ? "Copied" : "Copy"}
            </Button>
          )}
        </CopyButton>
        <Button onClick={close}>Done</Button>
      </Group>
    </Stack>
  );
}

function NewKey({ close }: { close: () => void }) {
  const client = useClient();
  const [made, setMade] = useState<{ secret: string; name: string } | null>(null);
  const form = useForm({ initialValues: { name: "", role: "VIEWER" as AdminRole, ends: "" } });
  const { busy, fault, submit } = useSubmit(form, async ({ name, role, ends }) => {
    const expiresAt = ends ? startOfDay(ends, 1) : null;
    const { key } = await change(client, CreateAdminKeyDocument, { name, role, expiresAt });
    setMade({ secret: key ?? "", name });
  });
  if (made) return <Shown {...made} close={close} />;
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Name"
          description="Whose it is: activity and logs call the admin so."
          required
          data-autofocus
          {...form.getInputProps("name")}
        />
        <Select
          label="Role"
          data={ROLES}
          allowDeselect={false}
          comboboxProps={{ withinPortal: false }}
          {...form.getInputProps("role")}
        />
        <TextInput
          type="date"
          label="Last day"
          description="After it the key lets nobody in; empty is for ever."
          {...form.getInputProps("ends")}
          error={form.errors["expiresAt"] ?? form.errors["ends"]}
        />
        <Refused why={fault} />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" loading={busy}>
            Make the key
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function makeOne(): void {
  const id = modals.open({
    title: "New admin key",
    // The secret is shown once: a stray click beside it must not take it away.
    closeOnClickOutside: false,
    children: <NewKey close={() => modals.close(id)} />,
  });
}

export default function KeysView() {
  const [after, setAfter] = useState<string | null>(null);
  const { data, fault, fetching, again, asked } = useOperation(
    AdminKeysDocument,
    { first: 50, after },
    { typenames: ["AdminKey"] },
  );
  const act = useAct(nameOf);
  const columns = [...COLUMNS, revoking((key) => act(REVOKE, [key], () => {}))];
  const page = data?.page;
  return (
    <Stack gap="md">
      <ViewHead
        title="Admin keys"
        about="Everyone who runs the programme has a key of their own, so that it is told who did what."
        asked={asked}
      >
        <Button leftSection={<PlusIcon aria-hidden />} onClick={makeOne}>
          New key
        </Button>
      </ViewHead>
      {fault ? (
        <Faulty sentence={fault} again={again} />
      ) : page?.nodes.length === 0 ? (
        <Nothing sentence="Nobody has a key yet but you." action={{ label: "Make the first key", run: makeOne }} />
      ) : (
        <Paper withBorder>
          <Rows
            label="Admin keys"
            columns={columns}
            rows={page?.nodes}
            keyOf={keyOf}
            nameOf={nameOf}
            refreshing={fetching && page !== undefined}
          />
        </Paper>
      )}
      {(page?.pageInfo.hasNextPage || after) && (
        <Group justify="flex-end">
          <Button variant="default" size="xs" disabled={!after} onClick={() => setAfter(null)}>
            Newest
          </Button>
          <Button
            variant="default"
            size="xs"
            disabled={!page?.pageInfo.hasNextPage}
            onClick={() => setAfter(page?.pageInfo.endCursor ?? null)}
          >
            Older
          </Button>
        </Group>
      )}
    </Stack>
  );
}
