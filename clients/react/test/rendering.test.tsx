import { act, render as renderInto, waitFor } from "@testing-library/react";
import { StrictMode, version } from "react";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { expect, test, vi } from "vitest";
import { PollwebProvider, useChat, useFeed, useImage, useText } from "../src/index.js";
import { HOST, render, server } from "./setup.js";

function Page() {
  const { data, isLoading } = useText("Hello?");
  const { messages } = useChat([{ role: "user", content: "before" }]);
  const waiting = [useImage("x"), useFeed("image")].filter((answer) => answer.isLoading);
  return (
    <p>
      {isLoading ? "waiting" : data} {waiting.length} {messages[0]!.content as string}
    </p>
  );
}

const page = (
  <StrictMode>
    <PollwebProvider baseUrl={HOST} fetch={(...given) => server.fetch(...given)} token={undefined}>
      <Page />
    </PollwebProvider>
  </StrictMode>
);

test("a server renders what is loading, asks nothing, and the browser takes it over without a word", async () => {
  const said = vi.spyOn(console, "error");
  const html = renderToString(page);
  expect(html.replace(/<.*?>/g, "")).toBe("waiting 2 before");
  expect(server.asked).toHaveLength(0);
  const place = document.createElement("div");
  place.innerHTML = html;
  document.body.append(place);
  server.plays("error_text");
  const root = await act(async () => hydrateRoot(place, page));
  await waitFor(() => expect(server.asked.length).toBe(3));
  await act(async () => root.unmount());
  expect(said).not.toHaveBeenCalled();
});

test("the tests run on the React that was asked for", () => {
  expect(version.split(".")[0]).toBe(process.env.REACT ?? "19");
});

test("a token in a browser is warned of", () => {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  render(() => null, undefined, { token: "secret" });
  expect(warned.mock.calls.flat().join()).toMatch(/token/);
  expect(warned.mock.calls.flat().join()).not.toContain("secret");
});

test("hooks without a provider say what is missing", () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  expect(() => renderInto(<Page />)).toThrow("<PollwebProvider baseUrl=…>");
});

test("an equal address in another object is the same provider", async () => {
  server.plays("chat_stream");
  const hosts = () => ({ image: "https://image.example", text: "https://text.example" });
  function Here({ children }: { children?: React.ReactNode }) {
    return (
      <PollwebProvider baseUrl={hosts()} fetch={server.fetch}>
        {children}
      </PollwebProvider>
    );
  }
  const Text = () => <p>{useText("Hello?").data}</p>;
  const found = renderInto(<Here children={<Text />} />);
  await found.findByText("Hello");
  found.rerender(<Here children={<Text />} />);
  await found.findByText("Hello");
  expect(server.asked).toHaveLength(1);
  expect(server.asked[0]!.url.href).toBe("https://text.example/openai");
});
