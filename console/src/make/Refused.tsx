import { Alert } from "@mantine/core";

/** Why a form was refused, where that is said of no single field. */
export const Refused = ({ why }: { why: string }) =>
  why && (
    <Alert color="red" role="alert">
      {why}
    </Alert>
  );
