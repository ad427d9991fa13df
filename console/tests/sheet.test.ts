import { describe, expect, test } from "vitest";
import { KINDS, type Kind, MOST_ROWS, readSheet } from "../src/make/sheet";

const [followers, coupons] = KINDS as [Kind, Kind];
const CAMPAIGN = "60d21b4667d0d8992e610ca1";

describe("a sheet of followers", () => {
  test("gives each sound row its values, and leaves out what is empty", () => {
    const { rows, fault } = readSheet(followers, `\ufeffcampaignId,couponId,maxTotalLimit\n${CAMPAIGN},,10\n`);
    expect(fault).toBeNull();
    expect(rows).toEqual([{ line: 2, values: { campaignId: CAMPAIGN, maxTotalLimit: 10 }, faults: [] }]);
  });

  test.each([
    [`${CAMPAIGN},${CAMPAIGN},1`, "give exactly one of campaignId and couponId"],
    [",,1", "give exactly one of campaignId and couponId"],
    ["spring,,1", "campaignId must be an id of 24 digits and letters a to f"],
    [`${CAMPAIGN},,1.5`, "maxTotalLimit must be a whole number"],
    [`${CAMPAIGN},,4000000000`, "maxTotalLimit must be a whole number"],
  ])("says what is wrong with %s", (row, fault) => {
    expect(readSheet(followers, `campaignId,couponId,maxTotalLimit\n${row}`).rows[0]?.faults).toEqual([fault]);
  });

  test("finds a row that says the same as an earlier one", () => {
    const { rows } = readSheet(followers, `campaignId,maxTotalLimit\n${CAMPAIGN},1\n${CAMPAIGN},2`);
    expect(rows.map(({ faults }) => faults)).toEqual([[], ["is the same as line 2"]]);
  });
});

describe("a sheet of coupons", () => {
  test("needs its columns", () => {
    expect(readSheet(coupons, "name\nada").fault).toContain("twitterId, username, followers, role");
  });

  test("reads a role in any case, and no other word", () => {
    const { rows } = readSheet(coupons, "twitterId,username,followers,role\n1,ada,1000,Creator\n2,bob,999,admin");
    expect(rows[0]).toEqual({
      line: 2,
      values: { twitterId: "1", username: "ada", followers: 1000, role: "CREATOR" },
      faults: [],
    });
    expect(rows[1]?.faults).toEqual(["followers must be at least 1000", "role must be user or creator"]);
  });

  test("takes no more rows than can be shown and made", () => {
    const many = Array.from({ length: MOST_ROWS + 1 }, (_, n) => `${n},u${n},1000,`).join("\n");
    expect(readSheet(coupons, `twitterId,username,followers,role\n${many}`).fault).toContain(String(MOST_ROWS));
  });
});
