import { LockClosedIcon, PlusCircledIcon, TokensIcon } from "@radix-ui/react-icons";
import type { AdminRole } from "./generated/graphql";

export interface Entry {
  path: string;
  label: string;
  icon: typeof TokensIcon;
  /** Only who has at least this role is offered it. */
  role?: AdminRole;
}

export const MENU: { title: string; entries: Entry[] }[] = [
  { title: "Referrals", entries: [{ path: "/coupons", label: "Coupons", icon: TokensIcon }] },
  {
    title: "Administration",
    entries: [
      { path: "/make/codes", label: "Make", icon: PlusCircledIcon, role: "ADMIN" },
      { path: "/keys", label: "Admin keys", icon: LockClosedIcon, role: "ADMIN" },
    ],
  },
];
