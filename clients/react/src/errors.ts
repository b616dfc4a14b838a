/** What went wrong, as a value. `status` is the HTTP status, 0 when no answer came; `code` is the server's snake_case word for it. */
export class PollwebError extends Error {
  override name = "PollwebError";
  declare readonly status: number;
  declare readonly code: string;
  /** What to tell the server's operator. */
  declare readonly requestId: string | undefined;
  /** Seconds after which to try again. */
  declare readonly retryAfter: number | undefined;

  constructor(message: string, { status = 0, code = "failed", requestId, retryAfter, cause }: ErrorFields = {}) {
    super(message, { cause });
    Object.assign(this, { status, code, requestId, retryAfter });
  }
}

export interface ErrorFields {
  status?: number | undefined;
  code?: string | undefined;
  requestId?: string | undefined;
  retryAfter?: number | undefined;
  cause?: unknown;
}

type Body = Record<string, any>;

/** An error in any of the shapes that are sent: the image API's, the text API's, OpenAI's, a frame of a stream. */
export function fromBody(body: Body, fields: ErrorFields = {}): PollwebError {
  const inner = Object(body.error); // of a mere text it has none of the fields
  const status = Number(body.status) || fields.status;
  return new PollwebError(inner.message ?? body.message ?? body.error ?? `The server answered ${status}.`, {
    ...fields,
    status,
    code: inner.code ?? body.code ?? (status ? `http_${status}` : undefined),
    requestId: body.request_id ?? body.requestId ?? fields.requestId,
  });
}

export async function fromResponse(response: Response): Promise<PollwebError> {
  const body: unknown = await response.json().catch(() => undefined); // a proxy's page, or nothing
  return fromBody(Object(body), {
    status: response.status,
    requestId: response.headers.get("x-request-id") ?? undefined,
    retryAfter: Number(response.headers.get("retry-after")) || undefined,
  });
}

export const unreadable = (cause?: unknown) =>
  new PollwebError("The server's answer cannot be read.", { code: "bad_answer", cause });

/** Whatever was thrown, as one of ours. */
export function asError(problem: unknown): PollwebError {
  if (problem instanceof PollwebError) return problem;
  // What fetch throws when nothing answers, or when the answer breaks off.
  if (problem instanceof TypeError)
    return new PollwebError("The server cannot be reached.", { code: "network", cause: problem });
  return new PollwebError(String((problem as Error)?.message ?? problem), { cause: problem });
}
