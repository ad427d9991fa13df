import { Alert, Anchor, Button, Group, NumberInput, SegmentedControl, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { useClient } from "urql";
import { Link } from "wouter";
import { change } from "../api/changes";
import { CreateUsageFollowerDocument } from "../generated/graphql";
import { Refused } from "./Refused";
import { useSubmit } from "./submit";

/** Nothing given is no limit. */
const limit = (given: number | string): number | null => (given === "" ? null : Number(given));

const LIMITS = [
  { name: "maxTotalLimit", label: "All together" },
  { name: "maxLimitPerCustomer", label: "Each customer" },
  { name: "maxLimitInBasket", label: "One basket" },
] as const;

const NO_LIMITS: Record<(typeof LIMITS)[number]["name"], number | string> = {
  maxTotalLimit: "",
  maxLimitPerCustomer: "",
  maxLimitInBasket: "",
};

export function Follower() {
  const client = useClient();
  const [made, setMade] = useState<string | null>(null);
  const form = useForm({ initialValues: { of: "campaignId", id: "", ...NO_LIMITS } });
  const { busy, fault, submit } = useSubmit(form, async ({ of, id, ...limits }) => {
    const { usageFollower } = await change(client, CreateUsageFollowerDocument, {
      couponId: of === "couponId" ? id.trim() : null,
      campaignId: of === "campaignId" ? id.trim() : null,
      maxTotalLimit: limit(limits.maxTotalLimit),
      maxLimitPerCustomer: limit(limits.maxLimitPerCustomer),
      maxLimitInBasket: limit(limits.maxLimitInBasket),
    });
    setMade(usageFollower.databaseId);
    form.reset();
  });
  return (
    <form onSubmit={submit}>
      <Stack>
        {made && (
          <Alert
            color="tessera"
            role="status"
            title="It is followed from now on"
            withCloseButton
            closeButtonLabel="Close"
            onClose={() => setMade(null)}
          >
            <Anchor component={Link} href={`/followers/${made}`}>
              Open the follower
            </Anchor>
          </Alert>
        )}
        <SegmentedControl
          aria-label="What is followed"
          data={[
            { value: "campaignId", label: "A campaign" },
            { value: "couponId", label: "A coupon" },
          ]}
          {...form.getInputProps("of")}
        />
        <TextInput
          label="Id"
          description="The 24 digits of its id, or the id that GraphQL shows of a coupon."
          required
          {...form.getInputProps("id")}
          error={form.errors["couponId"] ?? form.errors["campaignId"]}
        />
        <Group grow align="flex-start">
          {LIMITS.map(({ name, label }) => (
            <NumberInput
              key={name}
              label={label}
              placeholder="No limit"
              min={0}
              allowDecimal={false}
              {...form.getInputProps(name)}
            />
          ))}
        </Group>
        <Refused why={fault} />
        <Group justify="flex-end">
          <Button type="submit" loading={busy}>
            Follow it
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
