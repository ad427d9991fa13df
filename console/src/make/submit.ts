import type { UseFormReturnType } from "@mantine/form";
import { type FormEvent, useState } from "react";
import { Refusal } from "../api/changes";

interface Submit {
  busy: boolean;
  /** Why it was refused, where that is said of no single field. */
  fault: string;
  submit: (event: FormEvent<HTMLFormElement>) => void;
}

/** Sends a form by `send`; what the server says of its fields stands at them, and all else above the button. */
export function useSubmit<Values extends Record<string, unknown>>(
  form: UseFormReturnType<Values>,
  send: (values: Values) => Promise<void>,
): Submit {
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const submit = form.onSubmit((values) => {
    setBusy(true);
    setFault("");
    send(values)
      .catch((refused: unknown) => {
        const fields = refused instanceof Refusal ? refused.fields : [];
        form.setErrors(Object.fromEntries(fields.map(({ path, message }) => [path, message])));
        setFault(fields.length > 0 ? "" : refused instanceof Error ? refused.message : String(refused));
      })
      .finally(() => setBusy(false));
  });
  return { busy, fault, submit };
}
