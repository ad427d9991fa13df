// Who brought whom, as a picture: the one who brought this person, this person, whom they brought, and whom those did.
import { Text } from "@mantine/core";
import type { TreeCouponFragment } from "../generated/graphql";
import { formatNumber } from "../kit/format";

export interface Branch {
  key: string;
  name: string;
  coupon: TreeCouponFragment | null;
  children: Branch[];
}

interface Placed {
  branch: Branch;
  x: number;
  y: number;
  parent: Placed | null;
}

const WIDTH = 190;
const HEIGHT = 44;
const GAP = 14;

/** Each leaf takes a line; what has children stands beside the first of them. Returns how many lines were taken. */
function place(branch: Branch, depth: number, line: number, parent: Placed | null, into: Placed[]): number {
  const placed = { branch, x: depth * (WIDTH + 40), y: line * (HEIGHT + GAP), parent };
  into.push(placed);
  let taken = 0;
  for (const child of branch.children) taken += place(child, depth + 1, line + taken, placed, into);
  return Math.max(1, taken);
}

const depthOf = (branch: Branch): number => 1 + Math.max(0, ...branch.children.map(depthOf));
const cut = (text: string): string => (text.length > 20 ? `${text.slice(0, 19)}…` : text);

function Box({ at: { branch, x, y }, marked }: { at: Placed; marked: boolean }) {
  const points = branch.coupon ? `${formatNumber(branch.coupon.points)} points` : "no coupon any more";
  return (
    <g transform={`translate(${x} ${y})`}>
      <rect
        width={WIDTH}
        height={HEIGHT}
        rx={8}
        fill="var(--mantine-color-body)"
        stroke={marked ? "var(--mantine-primary-color-filled)" : "var(--mantine-color-default-border)"}
        strokeWidth={marked ? 2 : 1}
      />
      <text x={12} y={18} fontSize={13} fontWeight={600} fill="var(--mantine-color-text)">
        {cut(branch.name)}
      </text>
      <text x={12} y={35} fontSize={12} fill="var(--mantine-color-dimmed)">
        {points}
      </text>
    </g>
  );
}

export function Tree({ root, marked }: { root: Branch; marked: string }) {
  const placed: Placed[] = [];
  const lines = place(root, 0, 0, null, placed);
  const width = depthOf(root) * (WIDTH + 40) - 40;
  const height = lines * (HEIGHT + GAP) - GAP;
  const sentence = `${root.name} and ${placed.length - 1} others, ${depthOf(root)} deep`;
  return (
    <div style={{ overflowX: "auto", padding: 16 }} tabIndex={0} role="group" aria-label="Referral tree">
      <svg
        width={width + 2}
        height={height + 2}
        viewBox={`-1 -1 ${width + 2} ${height + 2}`}
        role="img"
        aria-label={sentence}
      >
        {placed.map(
          ({ parent, x, y, branch }) =>
            parent && (
              <path
                key={`line ${branch.key}`}
                d={`M${parent.x + WIDTH} ${parent.y + HEIGHT / 2} C${x - 20} ${parent.y + HEIGHT / 2} ${x - 20} ${y + HEIGHT / 2} ${x} ${y + HEIGHT / 2}`}
                fill="none"
                stroke="var(--mantine-color-default-border)"
              />
            ),
        )}
        {placed.map((one) => (
          <Box key={one.branch.key} at={one} marked={one.branch.key === marked} />
        ))}
      </svg>
      {placed.length === 1 && (
        <Text size="sm" c="dimmed">
          Nobody has come by this coupon yet.
        </Text>
      )}
    </div>
  );
}
