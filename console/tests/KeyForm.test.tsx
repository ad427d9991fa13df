import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { KeyForm } from "../src/kit/KeyForm";

test("the form hands over the key without the blanks around it, and says why it does not let in", async () => {
  const enter = vi.fn(async () => "This key or token lets nobody in.");
  render(
    <MantineProvider>
      <KeyForm notice="" enter={enter} />
    </MantineProvider>,
  );
  await userEvent.type(screen.getByLabelText("Admin key or token"), " a-key {Enter}");
  expect(enter).toHaveBeenCalledWith("a-key");
  expect((await screen.findByRole("alert")).textContent).toBe("This key or token lets nobody in.");
});
