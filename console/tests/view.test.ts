import { expect, test } from "vitest";
import { couponsNoun } from "../src/nouns/coupons";
import { ordersNoun } from "../src/nouns/orders";
import { changed, readView, toExportFilters, toFilter, toWindow } from "../src/table/view";

test("an address is read, and what is no filter of the list is left out", () => {
  const view = readView(
    new URLSearchParams("username=ada&role=NOBODY&minFollowers=many&size=7&sort=TIMES_USED&x=1"),
    couponsNoun,
  );
  expect(view.filters).toEqual({ username: "ada" });
  expect([view.size, view.sort]).toEqual([25, "TIMES_USED"]);
  expect(toFilter(view, couponsNoun)).toEqual({ username: "ada" });
});

test("the export has the same filters by the words of REST", () => {
  const coupons = readView(new URLSearchParams("role=CREATOR&active=false"), couponsNoun);
  expect(toExportFilters(coupons, couponsNoun)).toEqual({ role: "creator", active: "false" });
  const orders = readView(new URLSearchParams("status=SHIPPED"), ordersNoun);
  expect(toExportFilters(orders, ordersNoun)).toEqual({ status: "Shipped" });
});

test("another filter begins at the start, another page keeps the filter", () => {
  const address = new URLSearchParams("username=ada&after=cursor");
  expect(changed(address, { role: "USER" }).toString()).toBe("username=ada&role=USER");
  expect(changed(address, { after: "next", before: null }).toString()).toBe("username=ada&after=next");
  expect(toWindow(readView(address, couponsNoun))).toEqual({ first: 25, after: "cursor", count: false });
});
