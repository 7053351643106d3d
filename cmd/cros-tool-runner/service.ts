// What `call` and `ls` of this program speak to, and what a failed stack tells of itself behind its status.
import type { RpcFailure } from "../../api/client/textproto/remote-service.js";
import type { MessageTypes } from "../../api/client/textproto/types.js";
import type { CalledService } from "../shared/call.js";

const PACKAGE = "chromiumos.test.api";
/** What a failed stack has done: trailing metadata of its failure. */
const FAILED_INDEX = "ctr-failed-index";
const PARTIAL_RESPONSE = "ctr-partial-response-bin";

/** The container service of test labs. */
export const RUNNER_SERVICE: CalledService = { name: `${PACKAGE}.CrosToolRunnerContainerService`, explain };

/** Of a stack, what it has done before it failed. */
function explain({ trailing }: RpcFailure, types: MessageTypes | undefined): string {
  const [index] = trailing.get(FAILED_INDEX);
  const [partial] = trailing.get(PARTIAL_RESPONSE);
  let text = index === undefined ? "" : `Request ${Number(index) + 1} of the stack failed. Before it:\n`;
  if (types !== undefined && Buffer.isBuffer(partial)) {
    text += types.print(types.message(`${PACKAGE}.StackCommandsResponse`), partial, "textproto");
  }
  return text;
}
