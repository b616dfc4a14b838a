import { StrictMode, type ReactNode } from "react";
import { afterEach, beforeEach } from "vitest";
import { cleanup, renderHook } from "@testing-library/react";
import { PollwebProvider, type ProviderProps } from "../src/index.js";
import { Server } from "./server.js";

export let server: Server;

beforeEach(() => {
  server = new Server();
});
afterEach(cleanup);

export const HOST = "https://ai.example";

export function around(more: Partial<ProviderProps> = {}) {
  return function Around({ children }: { children: ReactNode }) {
    return (
      <StrictMode>
        <PollwebProvider baseUrl={HOST} fetch={server.fetch} {...more}>
          {children}
        </PollwebProvider>
      </StrictMode>
    );
  };
}

/** A hook inside a provider and StrictMode, which mounts everything twice. */
export function render<R, P>(hook: (props: P) => R, initialProps?: P, more?: Partial<ProviderProps>) {
  return renderHook(hook, { wrapper: around(more), ...(initialProps !== undefined && { initialProps }) });
}
