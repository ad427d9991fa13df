// Access codes in a batch, which are saved as a file at once: nothing shows them together as easily again.
import { Alert, Button, Code, Group, NumberInput, ScrollArea, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { DownloadIcon } from "@radix-ui/react-icons";
import { unparse } from "papaparse";
import { useState } from "react";
import { useClient } from "urql";
import { change } from "../api/changes";
import { save } from "../api/exports";
import { CreateAccessCodesDocument, type CreateAccessCodesMutation } from "../generated/graphql";
import { countOf } from "../kit/format";
import { Refused } from "./Refused";
import { useSubmit } from "./submit";

type Made = Extract<CreateAccessCodesMutation["result"], { accessCodes: unknown }>["accessCodes"];

const AT_ONCE = 1000;

/** A spreadsheet knows by the mark at its beginning that the file is UTF-8. */
function download(codes: Made, batch: string): void {
  const rows = codes.map(({ code, maxUses, expiresAt, description }) => ({ code, maxUses, expiresAt, description }));
  save(new Blob(["\ufeff", unparse(rows)], { type: "text/csv" }), `${batch || "access-codes"}.csv`);
}

function Result({ codes, batch, again }: { codes: Made; batch: string; again: () => void }) {
  return (
    <Stack>
      <Alert color="tessera" role="status" title={`${countOf(codes.length, "code", "codes")} made`}>
        They are valid at once.
      </Alert>
      <ScrollArea.Autosize
        mah={280}
        type="auto"
        viewportProps={{ tabIndex: 0, role: "group", "aria-label": "The codes" }}
      >
        <Group gap="xs">
          {codes.map(({ code }) => (
            <Code key={code}>{code}</Code>
          ))}
        </Group>
      </ScrollArea.Autosize>
      <Group>
        <Button leftSection={<DownloadIcon aria-hidden />} onClick={() => download(codes, batch)}>
          Download as CSV
        </Button>
        <Button variant="default" onClick={again}>
          Make more
        </Button>
      </Group>
    </Stack>
  );
}

export function AccessCodes() {
  const client = useClient();
  const [made, setMade] = useState<Made | null>(null);
  const form = useForm({ initialValues: { batch: "", description: "", count: 100, maxUses: 1, expiryDays: 30 } });
  const { busy, fault, submit } = useSubmit(form, async ({ batch, description, ...numbers }) => {
    const { accessCodes } = await change(client, CreateAccessCodesDocument, {
      ...numbers,
      batch: batch || null,
      description: description || null,
    });
    setMade(accessCodes);
  });
  if (made) return <Result codes={made} batch={form.values.batch} again={() => setMade(null)} />;
  return (
    <form onSubmit={submit}>
      <Stack>
        <NumberInput
          label="How many"
          min={1}
          max={AT_ONCE}
          allowDecimal={false}
          required
          {...form.getInputProps("count")}
        />
        <Group grow align="flex-start">
          <NumberInput
            label="Uses of each"
            description="By one user each."
            min={1}
            allowDecimal={false}
            required
            {...form.getInputProps("maxUses")}
          />
          <NumberInput
            label="Days of validity"
            description="Counted from now."
            min={1}
            allowDecimal={false}
            required
            {...form.getInputProps("expiryDays")}
          />
        </Group>
        <TextInput
          label="Batch"
          description="A name by which they are found, counted and switched together."
          {...form.getInputProps("batch")}
        />
        <TextInput
          label="Description"
          description="Users who redeem one read it."
          {...form.getInputProps("description")}
        />
        <Refused why={fault} />
        <Group justify="space-between">
          <Text size="sm" c="dimmed">
            Up to {AT_ONCE} at once; more by the command line, <Code>tessera codes generate</Code>.
          </Text>
          <Button type="submit" loading={busy}>
            Make the codes
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
