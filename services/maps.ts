// Maps of the wire and plain objects of the records. Object.fromEntries makes an own property of any key, `__proto__` included.

export const toRecord = <V>(map: ReadonlyMap<string, V>): Record<string, V> => Object.fromEntries(map);

export const toMap = <V>(record: Readonly<Record<string, V>>): Map<string, V> => new Map(Object.entries(record));
