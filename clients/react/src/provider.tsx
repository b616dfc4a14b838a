import { createContext, useContext, useEffect, useMemo, type ReactNode } from "react";
import { createClient, type Client } from "./client.js";
import { Requests } from "./shared.js";
import type { ClientOptions } from "./types.js";

interface Place {
  client: Client;
  requests: Requests;
}

const Context = createContext<Place | undefined>(undefined);

export interface ProviderProps extends ClientOptions {
  children?: ReactNode;
}

/** Where everything below it asks. Equal questions below one provider are one request. */
export function PollwebProvider({ baseUrl, referrer, token, fetch, children }: ProviderProps) {
  const place = useMemo<Place>(
    () => ({ client: createClient({ baseUrl, referrer, token, fetch }), requests: new Requests() }),
    [JSON.stringify(baseUrl), referrer, token, fetch], // addresses are equal, whichever object holds them
  );
  useEffect(() => {
    // Effects run in browsers only.
    if (token)
      console.warn(
        "pollweb-react: everybody can read a token in a page. Register the page as a referrer, or ask from your server.",
      );
  }, [token]);
  useEffect(() => () => void setTimeout(() => place.requests.drop(0)), [place]);
  return <Context.Provider value={place}>{children}</Context.Provider>;
}

export function usePlace(): Place {
  const place = useContext(Context);
  if (!place) throw new Error("pollweb-react: put <PollwebProvider baseUrl=…> around whatever uses its hooks.");
  return place;
}

/** The client of the provider above, for what the hooks do not do. */
export function useClient(): Client {
  return usePlace().client;
}
