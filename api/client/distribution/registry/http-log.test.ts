// What heads show and what they hide.
import { expect, test } from "vitest";
import { answerHead, requestHead, shownText } from "./http-log.js";

test.each([
  ["/v2/app/blobs/uploads/?mount=sha256:1&from=other", "/v2/app/blobs/uploads/?mount=sha256:1&from=other"],
  ["/up?_state=abc&digest=sha256:1", "/up?_state=<hidden>&digest=sha256:1"],
  ["https://user:pass@host/x?a=b#token=c", "https://<hidden>@host/x?a=<hidden>#token=<hidden>"],
  ["/x?a", "/x?a"],
  ["/x?DIGEST=a&=b", "/x?DIGEST=<hidden>&=<hidden>"],
  ['Bearer realm="https://t/token?key=k",service="s"', 'Bearer realm="https://t/token?key=<hidden>",service="s"'],
])("%s is shown as %s", (text, want) => {
  expect(shownText(text)).toBe(want);
});

test("a head shows the values of headers that are known to be harmless", () => {
  const headers = { Accept: "*/*", Authorization: "Basic x", "X-Anything": "y", cookie: "z" };
  expect(requestHead("GET", "http://u:p@host:5000/v2/?n=1&k=v", headers)).toBe(
    "GET /v2/?n=1&k=<hidden> HTTP/1.1\r\nhost: host:5000\r\nAccept: */*\r\n" +
      "Authorization: <hidden>\r\nX-Anything: <hidden>\r\ncookie: <hidden>\r\n\r\n",
  );
  expect(answerHead(307, { location: "/a?b=c", "set-cookie": ["d", "e"] })).toBe(
    "HTTP/1.1 307\r\nlocation: /a?b=<hidden>\r\nset-cookie: <hidden>\r\nset-cookie: <hidden>\r\n\r\n",
  );
});
