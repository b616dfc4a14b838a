// An app that uses pollweb-react as it is installed: types by tsc, then rendered on a server.
import { renderToString } from "react-dom/server";
import * as hooks from "pollweb-react";
import { PollwebProvider, useChat, useFeed, useImage, usePollinationsText, useText } from "pollweb-react";
import { createClient, PollwebError, type Message } from "pollweb-react/client";

function Page() {
  const picture = useImage("three boats", { seed: 7 });
  const text = useText("Hello?", { model: "openai" });
  const feed = useFeed("image", { limit: 3 });
  const old: string | null = usePollinationsText("Hello?", { systemPrompt: "Be kind" });
  const { messages, send, stop, retry, error } = useChat([{ role: "user", content: "before" }]);
  const said: Message[] = messages;
  const problem: PollwebError | undefined = error ?? text.error;
  return (
    <main onClick={() => void send("more").then(stop).then(retry)}>
      <img src={picture.data?.src} alt={feed.data?.[0]?.prompt ?? ""} />
      {String(text.isLoading)} {String(old)} {said.length} {problem?.message}
    </main>
  );
}

const html = renderToString(
  <PollwebProvider baseUrl="https://ai.example">
    <Page />
  </PollwebProvider>,
);
if (html.replace(/<.*?>/g, "") !== "true null 1 ") throw new Error(html);
const client = createClient({ baseUrl: "https://ai.example", token: "secret" });
if (client.imageUrl("x") !== "https://ai.example/image/prompt/x") throw new Error(client.imageUrl("x"));
console.log(Object.keys(hooks).sort().join(" "));
