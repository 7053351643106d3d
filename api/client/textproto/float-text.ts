// Floating-point numbers as C++ prints them: the shorter of two precisions that still reads back as the same number.

const DIGITS = { double: [15, 17], float: [6, 9] } as const;

export function floatText(value: number, size: keyof typeof DIGITS): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0";
  const [few, many] = DIGITS[size];
  const short = general(value, few);
  const readBack = size === "float" ? Math.fround(Number(short)) : Number(short);
  return readBack === value ? short : general(value, many);
}

/** What C's `%.<digits>g` makes of it. */
function general(value: number, digits: number): string {
  const [mantissa = "", exponentText = ""] = value.toExponential(digits - 1).split("e");
  const exponent = Number(exponentText);
  const withoutZeros = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (exponent >= -4 && exponent < digits) return withoutZeros(value.toFixed(Math.max(0, digits - 1 - exponent)));
  const sign = exponent < 0 ? "-" : "+";
  return `${withoutZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}
