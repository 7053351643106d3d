// berth doctor: what does not fit together between the daemon's store and the host, and its repair.
import type { Finding } from "../../../api/core/doctor.js";
import { ofBerthdOnly } from "../berthd-only.js";
import { defineCommand } from "../command.js";
import { showWaiting } from "../progress/waiting.js";
import type { ColourName } from "../render/colour.js";

interface DoctorFlags {
  repair?: boolean;
  quiet?: boolean;
}

/** Something is wrong and still is. */
const UNSOUND_STATUS = 1;

export const command = defineCommand<DoctorFlags>({
  lists: true,
  examples: [
    { line: "berth doctor", does: "what does not fit together" },
    { line: "berth doctor --repair", does: "mends what is provably the daemon's own" },
  ],
  help: `Looks at the store, bundles, shims, mounts, sockets, cgroups and pipes, and at what Docker and LXD have of the daemon's, and compares
them both ways; then whether programs are missing, disks are full and engines answer. What is shown as a note may be meant so.
Many notes of a kind are one line, unless the format is another than the table. What each kind means stands in docs/architecture.md. --repair mends only what is provably the daemon's own, and writes an event of topic
/berth/doctor/repaired for each; everything else is left to you. The exit status is 1 when a problem remains.`,
  options: (command) => {
    command.option("--repair", "mend what is provably the daemon's own");
  },
  run: async ({ client, request, output }, _args, flags) => {
    const findings: Finding[] = [];
    const check = async (): Promise<void> => {
      const check = client.doctor.check(request, { repair: flags.repair === true });
      for await (const finding of ofBerthdOnly("store and host are looked over", check)) findings.push(finding);
    };
    await showWaiting("looking at the store and the host", check());
    if (findings.length === 0 && output.isForPeople) {
      output.line("nothing to complain about");
      return 0;
    }
    // People are told once of what is there again and again; programs get it all.
    output.list(output.format === "table" && flags.quiet !== true ? alikeTogether(findings) : findings, {
      id: ({ subject }) => subject,
      columns: [
        { title: "KIND", text: ({ kind }) => kind },
        { title: "NAMESPACE", text: ({ namespace }) => namespace || "-" },
        { title: "STATE", text: stateOf, colour: stateColour },
        { title: "SUBJECT", text: ({ subject }) => subject },
        { title: "DETAIL", text: ({ detail }) => detail },
      ],
      json: (finding) => finding,
    });
    return findings.some(({ isProblem, repaired }) => isProblem && !repaired) ? UNSOUND_STATUS : 0;
  },
});

/** So many notes that say the same are told one by one. */
const TOLD_APART = 3;

/** Notes that differ in their subject only, as one where there are many of them; in the place of the first. */
export function alikeTogether(findings: readonly Finding[]): Finding[] {
  const groups = new Map<string, Finding[]>();
  for (const [index, finding] of findings.entries()) {
    const { kind, namespace, detail, isProblem, repairable } = finding;
    const key = isProblem || repairable ? String(index) : JSON.stringify([kind, namespace, detail]);
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups.values()].flatMap((alike) => {
    const [first] = alike;
    if (first === undefined || alike.length <= TOLD_APART) return alike;
    return [{ ...first, subject: `${first.subject} and ${alike.length - 1} more` }];
  });
}

function stateColour({ isProblem, repaired }: Finding): ColourName | undefined {
  if (repaired) return "green";
  return isProblem ? "red" : undefined;
}

function stateOf({ isProblem, repairable, repaired }: Finding): string {
  if (repaired) return "repaired";
  if (repairable) return "repairable";
  return isProblem ? "problem" : "note";
}
