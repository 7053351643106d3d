// What a request makes of an image: which fields a mask changes, and what must hold for the result.
// @source containerd core/metadata/images.go (Update, validateImage)
import { digestProblem } from "../api/core/digest.js";
import { invalidArgument, wrapError } from "../api/core/errors.js";
import type { Image, NewImage } from "../api/core/image.js";
import { storedLabels, validateLabels } from "../api/core/labels.js";
import { quote } from "../api/core/quote.js";

type ImageContent = Pick<Image, "name" | "labels" | "target">;

const entryOf = (entries: Readonly<Record<string, string>> | undefined, key: string): string =>
  entries !== undefined && Object.hasOwn(entries, key) ? (entries[key] ?? "") : "";

/** `entries` with one of them replaced; any key becomes an own property. */
const withEntry = (entries: Readonly<Record<string, string>>, key: string, value: string): Record<string, string> =>
  Object.fromEntries([...Object.entries(entries).filter(([other]) => other !== key), [key, value]]);

function applyPath(image: ImageContent, update: NewImage, path: string): ImageContent {
  const { target } = image;
  if (path.startsWith("labels.")) {
    const key = path.slice("labels.".length);
    return { ...image, labels: withEntry(image.labels, key, entryOf(update.labels, key)) };
  }
  if (path.startsWith("annotations.")) {
    const key = path.slice("annotations.".length);
    const annotations = withEntry(target.annotations, key, entryOf(update.target.annotations, key));
    return { ...image, target: { ...target, annotations } };
  }
  switch (path) {
    case "labels":
      return { ...image, labels: update.labels ?? {} };
    case "target":
      return { ...image, target: update.target };
    case "annotations":
      return { ...image, target: { ...target, annotations: update.target.annotations } };
    default:
      throw invalidArgument(`cannot update ${quote(path)} field on image ${quote(image.name)}`);
  }
}

/** @throws invalid_argument, in the order in which containerd looks. */
export function validImage(image: ImageContent): ImageContent {
  try {
    validateLabels(image.labels);
  } catch (error) {
    throw wrapError("image.Labels", error);
  }
  const { digest, sizeBytes, mediaType } = image.target;
  const problem = digestProblem(digest);
  if (problem !== undefined) throw invalidArgument(`target.Digest ${quote(digest)} invalid: ${problem}`);
  if (sizeBytes <= 0) throw invalidArgument("target.Size must be greater than zero");
  if (mediaType === "") throw invalidArgument("target.MediaType must be set");
  return { ...image, labels: storedLabels(image.labels) };
}

/** The image after an update; without paths target and labels are replaced. @throws invalid_argument. */
export function updatedImage(current: ImageContent, update: NewImage, paths: readonly string[]): ImageContent {
  const all = paths.length === 0 ? ["labels", "target"] : paths;
  return validImage(all.reduce((image, path) => applyPath(image, update, path), current));
}
