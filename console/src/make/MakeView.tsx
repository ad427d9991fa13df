import { Paper, Stack, Tabs } from "@mantine/core";
import { useLocation } from "wouter";
import { CreateAccessCodesDocument, CreateUsageFollowerDocument } from "../generated/graphql";
import { ViewHead } from "../kit/states";
import { AccessCodes } from "./AccessCodes";
import { Follower } from "./Follower";
import { Import } from "./Import";

const EXAMPLES = {
  codes: {
    document: CreateAccessCodesDocument,
    variables: { input: { count: 100, maxUses: 1, expiryDays: 30, batch: "spring" } },
  },
  follower: { document: CreateUsageFollowerDocument, variables: { input: { campaignId: "", maxTotalLimit: 100 } } },
};

/** `what` is the last part of the address. */
export default function MakeView({ what }: { what: string }) {
  const [, go] = useLocation();
  const asked = what === "follower" ? EXAMPLES.follower : EXAMPLES.codes;
  return (
    <Stack gap="md" maw={820}>
      <ViewHead
        title="Make"
        about="New access codes and followers, one by one or out of a file."
        {...(what !== "import" && { asked })}
      />
      <Paper withBorder p="md">
        <Tabs value={what} onChange={(next) => go(`/make/${next}`)} keepMounted={false}>
          <Tabs.List mb="md">
            <Tabs.Tab value="codes">Access codes</Tabs.Tab>
            <Tabs.Tab value="follower">Follower</Tabs.Tab>
            <Tabs.Tab value="import">Import</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="codes">
            <AccessCodes />
          </Tabs.Panel>
          <Tabs.Panel value="follower">
            <Follower />
          </Tabs.Panel>
          <Tabs.Panel value="import">
            <Import />
          </Tabs.Panel>
        </Tabs>
      </Paper>
    </Stack>
  );
}
