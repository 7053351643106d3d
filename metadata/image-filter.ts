// Images as filters see them: name, target.digest, target.mediatype, labels.<key>, annotations.<key>.
// @source containerd core/metadata/adaptors.go
import type { Adaptor } from "../api/core/filters/index.js";
import type { Image } from "../api/core/image.js";
import { parseListFilters } from "./list-filter.js";

function entry(entries: Readonly<Record<string, string>>, path: readonly string[]): string | undefined {
  const key = path.join(".");
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}

function imageAdaptor({ name, target, labels }: Image): Adaptor {
  return ([field = "", ...rest]) => {
    switch (field) {
      case "name":
        return name || undefined;
      case "target":
        if (rest[0] === "digest") return target.digest || undefined;
        return rest[0] === "mediatype" ? target.mediaType || undefined : undefined;
      case "labels":
        return entry(labels, rest);
      case "annotations":
        return entry(target.annotations, rest);
      default:
        return undefined;
    }
  };
}

/** @throws invalid_argument for a bad filter. */
export function imageMatcher(filters: readonly string[]): (image: Image) => boolean {
  const filter = parseListFilters(filters);
  return (image) => filter.match(imageAdaptor(image));
}
