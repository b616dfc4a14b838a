import { StrictMode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { PollwebProvider } from "pollweb-react";
import { App } from "./App.js";
import "./playground.css";

const place = document.getElementById("playground")!;
let root: Root | undefined;

function open() {
  root ??= createRoot(place);
  root.render(
    <StrictMode>
      <PollwebProvider baseUrl={location.origin}>
        <App />
      </PollwebProvider>
    </StrictMode>,
  );
}

// A page that the browser keeps for the way back listens to nothing meanwhile.
addEventListener("pagehide", () => {
  root?.unmount();
  root = undefined;
});
addEventListener("pageshow", open);
open();
