import { BarChart } from "@mantine/charts";
import "@mantine/charts/styles.css";
import { formatNumber } from "../kit/format";

export interface Point {
  at: string;
  [series: string]: number | string;
}

interface ChartProps {
  points: Point[];
  series: { name: string; color: string }[];
  interval: string;
}

/** The same numbers are in the table behind it, for who cannot see a picture. */
export default function Chart({ points, series, interval }: ChartProps) {
  const shown = new Intl.DateTimeFormat(
    undefined,
    interval === "HOUR" ? { hour: "numeric" } : { month: "short", day: "numeric" },
  );
  return (
    <BarChart
      h={260}
      data={points.map(({ at, ...values }) => ({ at: shown.format(new Date(at)), ...values }))}
      dataKey="at"
      series={series}
      withLegend
      tickLine="none"
      valueFormatter={formatNumber}
      yAxisProps={{ allowDecimals: false }}
      barChartProps={{ accessibilityLayer: false }}
    />
  );
}
