import {
  ActionIcon,
  AppShell,
  Badge,
  Burger,
  Button,
  Group,
  Menu,
  NavLink,
  ScrollArea,
  Text,
  TextInput,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { ExitIcon, ExternalLinkIcon, MagnifyingGlassIcon, MoonIcon, PersonIcon, SunIcon } from "@radix-ui/react-icons";
import { type FormEvent, type ReactNode, useEffect } from "react";
import { Link, useLocation } from "wouter";
import { useSession } from "../api/session";
import { MENU } from "../menu";
import mark from "../tessera.svg";
import { humanize } from "./format";

function ColourSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme("light") === "dark";
  const label = dark ? "Light colours" : "Dark colours";
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="default"
        size="lg"
        aria-label={label}
        onClick={() => setColorScheme(dark ? "light" : "dark")}
      >
        {dark ? <SunIcon aria-hidden /> : <MoonIcon aria-hidden />}
      </ActionIcon>
    </Tooltip>
  );
}

function Visitor() {
  const { viewer, leave } = useSession();
  return (
    <Menu position="bottom-end" shadow="md">
      <Menu.Target>
        <Button
          variant="default"
          px="sm"
          aria-label={`Signed in as ${viewer.name}`}
          leftSection={<PersonIcon aria-hidden />}
        >
          <Text span size="sm" maw={110} truncate>
            {viewer.name}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Role</Menu.Label>
        <Menu.Item component="div" closeMenuOnClick={false}>
          <Badge variant="light" tt="none">
            {humanize(viewer.role ?? "")}
          </Badge>
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<ExitIcon aria-hidden />} onClick={leave}>
          Forget the key
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function PeopleSearch({ onGo }: { onGo: () => void }) {
  const [, go] = useLocation();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = new FormData(event.currentTarget).get("name")?.toString().trim();
    if (!name) return;
    onGo();
    go(`/people/${encodeURIComponent(name)}`);
  };
  return (
    <form role="search" onSubmit={submit}>
      <TextInput
        name="name"
        type="search"
        aria-label="Find a person"
        placeholder="Find a person"
        leftSection={<MagnifyingGlassIcon aria-hidden />}
      />
    </form>
  );
}

function Menus({ onGo }: { onGo: () => void }) {
  const session = useSession();
  const [location] = useLocation();
  return MENU.map((group) => {
    const entries = group.entries.filter(({ role }) => session.may(role ?? "VIEWER"));
    if (entries.length === 0) return null;
    return (
      <div key={group.title}>
        <Text size="xs" c="dimmed" fw={600} px="sm" pt="md" pb={4}>
          {group.title}
        </Text>
        {entries.map(({ path, label, icon: Icon }) => {
          const active = path === "/" ? location === "/" : location === path || location.startsWith(`${path}/`);
          return (
            <NavLink
              key={path}
              component={Link}
              href={path}
              label={label}
              leftSection={<Icon aria-hidden />}
              active={active}
              aria-current={active ? "page" : undefined}
              onClick={onGo}
            />
          );
        })}
      </div>
    );
  });
}

export function Shell({ children }: { children: ReactNode }) {
  const [open, { toggle, close }] = useDisclosure(false);
  const [location] = useLocation();
  // A screen reader hears where it is, and the keyboard goes on from there.
  useEffect(() => {
    window.scrollTo(0, 0);
  }, [location]);
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: "sm", collapsed: { mobile: !open } }}
      padding={{ base: "sm", sm: "lg" }}
    >
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" aria-expanded={open} />
            <img src={mark} alt="" width={24} height={24} />
            <Text fw={650} size="lg">
              Tessera
            </Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Group visibleFrom="sm" w={240} grow>
              <PeopleSearch onGo={close} />
            </Group>
            <ColourSwitch />
            <Visitor />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Menu">
        <AppShell.Section hiddenFrom="sm" pb="xs">
          <PeopleSearch onGo={close} />
        </AppShell.Section>
        <AppShell.Section grow component={ScrollArea}>
          <Menus onGo={close} />
        </AppShell.Section>
        <AppShell.Section>
          <NavLink
            component="a"
            href="/graphql"
            target="_blank"
            label="GraphiQL"
            leftSection={<ExternalLinkIcon aria-hidden />}
          />
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="main">{children}</AppShell.Main>
    </AppShell>
  );
}
