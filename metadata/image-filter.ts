// Images as filters see them: name, target.digest, target.mediatype, labels.<key>, annotations.<key>.
// @source containerd core/metadata/adaptors.go
import type { Adaptor } from "../api/core/filters/index.js";
import type { Image } from "../api/core/image.js";
import { entryAt, parseListFilters } from "./list-filter.js";

function imageAdaptor({ name, target, labels }: Image): Adaptor {
  return ([field = "", ...rest]) => {
    switch (field) {
      case "name":
        return name || undefined;
      case "target":
        if (rest[0] === "digest") return target.digest || undefined;
        return rest[0] === "mediatype" ? target.mediaType || undefined : undefined;
      case "labels":
        return entryAt(labels, rest);
      case "annotations":
        return entryAt(target.annotations, rest);
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
