// What a registry's refusals mean.
// @source containerd core/remotes/errors, core/remotes/docker/{fetcher,pusher}.go; distribution spec "error codes"
import * as z from "zod";
import { type ContainerdError, errorOf, notFound, unavailable } from "../../../core/errors.js";
import type { Reference } from "../../../core/reference.js";
import { bytesOf, type Response, shownUrl } from "./http.js";

const MAX_SHOWN = 500;
const errorsSchema = z.object({
  errors: z.array(z.object({ code: z.string().default(""), message: z.string().default("") })),
});

/** The words of the registry itself, if it sent any in the form of the protocol. */
async function wordsOf(response: Response): Promise<string> {
  try {
    const parsed = errorsSchema.safeParse(JSON.parse((await bytesOf(response)).toString()));
    if (!parsed.success) return "";
    return parsed.data.errors
      .map(({ code, message }) =>
        [code.toLowerCase().replaceAll("_", " "), message].filter((part) => part !== "").join(": "),
      )
      .join("; ")
      .slice(0, MAX_SHOWN);
  } catch {
    return "";
  }
}

/** An error for a status that is no success; reads the body. `what` says what was being done. */
export async function accessProblem(
  response: Response,
  reference: Reference,
  what: string,
  verb: "pull" | "push" = "pull",
): Promise<ContainerdError> {
  const { status, url } = response;
  const words = await wordsOf(response);
  const behind = words === "" ? "" : `: ${words}`;
  switch (status) {
    case 401:
      return errorOf(
        "unauthenticated",
        `${verb} access denied, repository does not exist or may require authorization${behind}`,
      );
    case 403:
      return errorOf(
        "permission_denied",
        `${verb} access denied, repository does not exist or may require authorization${behind}`,
      );
    case 404:
      return notFound(`${reference.text}: ${what}${behind}`);
    case 429:
      return errorOf("resource_exhausted", `${what}: ${new URL(url).host} wants fewer requests${behind}`);
    default:
      return status >= 500
        ? unavailable(`${what}: ${shownUrl(url)} answered with status ${status}${behind}`)
        : errorOf("internal", `${what}: ${shownUrl(url)} answered with status ${status}${behind}`);
  }
}
