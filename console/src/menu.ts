import {
  ActivityLogIcon,
  ArchiveIcon,
  BarChartIcon,
  CheckboxIcon,
  DashboardIcon,
  LockClosedIcon,
  LayersIcon,
  PersonIcon,
  PlusCircledIcon,
  TokensIcon,
} from "@radix-ui/react-icons";
import type { AdminRole } from "./generated/graphql";

export interface Entry {
  path: string;
  label: string;
  icon: typeof TokensIcon;
  /** Only who has at least this role is offered it. */
  role?: AdminRole;
}

export const MENU: { title: string; entries: Entry[] }[] = [
  { title: "Programme", entries: [{ path: "/", label: "Overview", icon: DashboardIcon }] },
  {
    title: "Referrals",
    entries: [
      { path: "/coupons", label: "Coupons", icon: TokensIcon },
      { path: "/redemptions", label: "Redemptions", icon: PersonIcon },
    ],
  },
  {
    title: "Access",
    entries: [
      { path: "/access-codes", label: "Access codes", icon: CheckboxIcon },
      { path: "/batches", label: "Batches", icon: LayersIcon },
    ],
  },
  {
    title: "Shop",
    entries: [
      { path: "/followers", label: "Usage followers", icon: BarChartIcon },
      { path: "/orders", label: "Orders", icon: ArchiveIcon },
    ],
  },
  {
    title: "Administration",
    entries: [
      { path: "/activity", label: "Activity", icon: ActivityLogIcon },
      { path: "/make/codes", label: "Make", icon: PlusCircledIcon, role: "ADMIN" },
      { path: "/keys", label: "Admin keys", icon: LockClosedIcon, role: "ADMIN" },
    ],
  },
];
