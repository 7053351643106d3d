// Where our descriptors contradict the wire tables, and what they lack.
import type { FieldTable, PackageTable, RpcTable, Tables } from "./tables.js";

type Named = Readonly<Record<string, unknown>>;

/** Every contradiction in words: whatever we have must be there, and look the same. Packages without a table are not looked at. */
export function findContradictions(own: Tables, wire: Tables): string[] {
  return [...own].flatMap(([name, table]) => {
    const wanted = wire.get(name);
    return wanted === undefined ? [] : packageContradictions(name, table, wanted);
  });
}

function packageContradictions(name: string, own: PackageTable, wire: PackageTable): string[] {
  const found: string[] = [];
  const each = <T extends object, W extends object>(
    path: string,
    ours: Readonly<Record<string, T>>,
    theirs: Readonly<Record<string, W>>,
    compare: (path: string, our: T, their: W) => void,
  ): void => {
    for (const [key, our] of Object.entries(ours)) {
      const their = Object.hasOwn(theirs, key) ? theirs[key] : undefined;
      if (their === undefined) found.push(`${path}${key} does not exist on the wire`);
      else compare(`${path}${key}`, our, their);
    }
  };
  each(`${name}.`, own.messages, wire.messages, (message, our, their) => {
    each<FieldTable, FieldTable>(`${message}.`, our.fields, their.fields, (field, ...pair) =>
      found.push(...differences(field, ...pair)),
    );
  });
  each(`${name}.`, own.services, wire.services, (service, our, their) => {
    each<RpcTable, RpcTable>(`${service}/`, our, their, (rpc, ...pair) => found.push(...differences(rpc, ...pair)));
  });
  each(`${name}.`, own.enums, wire.enums, (type, our, their) => {
    for (const [value, number] of Object.entries(our)) {
      if (their[value] !== number) found.push(`${type}.${value} is ${number}, on the wire ${their[value] ?? "absent"}`);
    }
  });
  return found;
}

function differences(path: string, own: object, wire: object): string[] {
  const [ours, theirs]: Named[] = [{ ...own }, { ...wire }];
  return [...new Set([...Object.keys(ours ?? {}), ...Object.keys(theirs ?? {})])]
    .filter((key) => key !== "default" && ours?.[key] !== theirs?.[key])
    .map((key) => `${path}: ${key} is ${String(ours?.[key])}, on the wire ${String(theirs?.[key])}`);
}

/** Names that the tables of these packages have and we do not. */
export function findGaps(own: Tables, wire: Tables, packages: readonly string[]): string[] {
  return packages.flatMap((name) => {
    const theirs = wire.get(name);
    const ours = own.get(name);
    if (theirs === undefined || ours === undefined) return [name];
    return [...names(theirs)].filter((path) => !new Set(names(ours)).has(path)).map((path) => `${name}.${path}`);
  });
}

function* names(table: PackageTable): Generator<string> {
  for (const [message, { fields }] of Object.entries(table.messages)) {
    yield message;
    for (const field of Object.keys(fields)) yield `${message}.${field}`;
  }
  for (const [service, rpcs] of Object.entries(table.services)) {
    yield service;
    for (const rpc of Object.keys(rpcs)) yield `${service}/${rpc}`;
  }
  for (const [type, values] of Object.entries(table.enums)) {
    yield type;
    for (const value of Object.keys(values)) yield `${type}.${value}`;
  }
}
