import { Anchor } from "@mantine/core";
import { Link } from "wouter";

/** A name that leads to all that is known of who bears it. */
export const Person = ({ name }: { name: string }) => (
  <Anchor component={Link} href={`/people/${encodeURIComponent(name)}`} inherit>
    {name}
  </Anchor>
);
