// Colours of text for people: on a terminal, and never where somebody said that there shall be none (no-color.org).

export type ColourName = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";
export type Colour = Readonly<Record<ColourName, (text: string) => string>>;
type Environment = Readonly<Record<string, string | undefined>>;
export type ColourChoice = "auto" | "always" | "never";

const CODES: Readonly<Record<ColourName, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

/** Text comes back as it is where there is no colour. */
export function createColour(
  stream: { readonly isTTY?: boolean },
  choice: ColourChoice = "auto",
  env: Environment = process.env,
): Colour {
  const isOn = choice === "always" || (choice === "auto" && stream.isTTY === true && isWanted(env));
  const paint = (name: ColourName) => (text: string) => {
    const [on, off] = CODES[name];
    return isOn && text !== "" ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  };
  return {
    bold: paint("bold"),
    dim: paint("dim"),
    red: paint("red"),
    green: paint("green"),
    yellow: paint("yellow"),
    cyan: paint("cyan"),
  };
}

function isWanted(env: Environment): boolean {
  return (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

/** Of the state of a task: `running`, `STOPPED`, … */
export function stateColour(state: string): ColourName | undefined {
  switch (state.toLowerCase()) {
    case "running":
      return "green";
    case "paused":
    case "pausing":
    case "created":
      return "yellow";
    case "stopped":
      return "dim";
    default:
      return undefined;
  }
}
